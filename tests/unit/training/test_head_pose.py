"""The head-pose loss has targets: the way a head is turned can be read from its five points."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from model_src.models import build
from model_src.models.head_pose import FACE, head_pose
from model_src.preprocess.align import CANONICAL
from model_src.preprocess.chunk import Chunk
from model_src.training.head_pose_loss import SMALLEST, head_pose_loss
from model_src.training.objective import Objective
from model_src.training.settings import LossSettings
from tests.unit.data.made_windows import MadeSource, brighter_when_fake
from tests.unit.training.made_run import learner, settings, trainer


def photographed(yaw: float, pitch: float, roll: float) -> Tensor:
    """The five points of a head that is turned so far, in degrees, seen from afar."""
    (cy, sy), (cp, sp), (cr, sr) = ((cos(radians(angle)), sin(radians(angle))) for angle in (-yaw, pitch, roll))
    lean = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    seen = np.array(FACE) @ (lean @ turn @ nod).T
    return torch.tensor(60 * seen[:, :2] + 100, dtype=torch.float32)


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, -20, 0), (0, 0, 15), (-25, 15, 10)])
def test_the_turn_of_a_head_is_read_from_its_points(angles: tuple[float, float, float]) -> None:
    found, size = head_pose(photographed(*angles))
    assert size > SMALLEST
    assert torch.rad2deg(found).tolist() == pytest.approx(angles, abs=1e-2)


def test_a_nose_to_the_right_is_a_positive_yaw_and_a_straight_face_has_no_angle() -> None:
    straight = torch.tensor(CANONICAL)
    assert torch.rad2deg(head_pose(straight)[0]).abs().max() < 3
    turned = straight.clone()
    turned[2, 0] += 10
    assert head_pose(turned)[0][0] > 0.1


def test_frames_without_a_face_have_no_say() -> None:
    points = torch.stack([photographed(20, 0, 0), torch.zeros(5, 2)]).unsqueeze(0)  # [1, 2, 5, 2]
    right, wrong = head_pose(points)[0], torch.ones(1, 2, 3)
    wrong[:, 0] = right[:, 0]
    assert head_pose_loss(wrong, points, torch.ones(1, 2, dtype=torch.bool)).item() == pytest.approx(0, abs=1e-6)
    assert head_pose_loss(wrong + 1, points, torch.zeros(1, 2, dtype=torch.bool)).item() == 0


def turned_heads(chunk: Chunk, video, generator: np.random.Generator) -> Chunk:  # type: ignore[no-untyped-def]
    points = photographed(*generator.uniform(-20, 20, 3)).numpy()
    upright = np.tile(np.eye(2, 3, dtype=np.float32), (len(chunk.crops), 1, 1))
    chunk = replace(chunk, points=np.tile(points, (len(chunk.crops), 1, 1)), transforms=upright)
    return brighter_when_fake(chunk, video, generator)


def test_a_head_pose_head_is_taught_and_its_share_is_logged(tmp_path: Path) -> None:
    model = learner(heads={"head_pose": True})
    run = trainer(settings(tmp_path, **{"stop.epochs": 1}), model=model, source=MadeSource(turned_heads), count=4)
    run.fit()
    assert run.metrics["train_head_pose"] > 0
    share = 0.1 * run.metrics["train_head_pose"] / run.metrics["train_main"]
    assert run.metrics["share_head_pose"] == pytest.approx(share)


def test_landmarks_that_no_data_has_are_refused_before_training() -> None:
    model = build(learner(heads={"landmarks": True}), pretrained=False)
    with pytest.raises(ValueError, match=r"five points per face.*heads\.landmarks"):
        Objective(model, LossSettings())
