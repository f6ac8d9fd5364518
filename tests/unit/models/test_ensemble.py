"""An ensemble answers with the mean of its members and keeps what each said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model_src.models import Ensemble, MultimodalModel, build, save_for_serving
from tests.unit.models.tiny import tiny_config, tiny_sound, tiny_video


def test_checkpoints_of_different_designs_are_asked_together(tmp_path: Path) -> None:
    models = [
        build(tiny_config(), pretrained=False, seed=1).eval(),
        build(tiny_config(fusion={"kind": "concat"}), pretrained=False, seed=2).eval(),
        build(tiny_config(enable_audio=False), pretrained=False, seed=3).eval(),
    ]
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path, model in zip(paths, models, strict=True):
        save_for_serving(path, model)
    with torch.no_grad():
        asked = Ensemble([MultimodalModel.load_for_inference(path) for path in paths])
        answer = asked(tiny_video(), tiny_sound())
        each = torch.stack([model(tiny_video(), tiny_sound()) for model in models])
    torch.testing.assert_close(answer.members, each)
    assert answer.members.std(dim=0).min() > 0
    torch.testing.assert_close(answer.fused.softmax(dim=-1), each.softmax(dim=-1).mean(dim=0))


def test_one_sure_member_does_not_outshout_the_others() -> None:
    """Means of logits would follow whoever is most extreme; means of probabilities do not."""
    members = [build(tiny_config(), pretrained=False, seed=seed).eval() for seed in range(3)]
    with torch.no_grad():
        for member, bias in zip(members, ([100.0, 0.0], [0.0, 2.0], [0.0, 2.0]), strict=True):
            member.fused_head.output.weight.zero_()
            member.fused_head.output.bias.copy_(torch.tensor(bias))
        fake = Ensemble(members)(tiny_video(), tiny_sound()).fused.softmax(dim=-1)[:, 1]
    torch.testing.assert_close(fake, torch.full((2,), 2 / 3 * float(torch.sigmoid(torch.tensor(2.0)))))


def test_an_ensemble_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
