"""The GPU's way through the networks, walked on a processor: bfloat16, fixed batch sizes, filled-up batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from model_src.models import MultimodalModel
from model_src.serving.backends import BOUNDS
from model_src.serving.cuda_encoders import CudaEncoders
from model_src.serving.default import DEFAULT_MODEL
from model_src.serving.model_directory import read_models
from model_src.serving.parity import difference, probabilities, probe_chunk
from model_src.serving.predictor import Predictor
from model_src.serving.recorded import Recorded
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.conftest import LogLines
from tests.unit.serving.models import small_model


def test_bfloat16_with_filled_up_batches_scores_as_float32_does(log_lines: LogLines) -> None:
    chunk = make_chunk(3.2, missing={3, 4, 11})  # 14 frames, and windows that the end cuts short
    chunk = replace(chunk, voice=chunk.voice & (np.arange(len(chunk.voice)) % 9 > 1))
    reference = Predictor(small_model(), model_version="test", trained=False).score_chunk(chunk)
    model = small_model().eval().requires_grad_(False)
    ours = Predictor(model, model_version="test", trained=False, encoders=[CudaEncoders(model)])
    scores = ours.score_chunk(chunk)
    assert difference(probabilities(scores), probabilities(reference)).within(BOUNDS["openvino-bf16"])
    assert scores == ours.score_chunk(chunk)
    unrecorded = [line for line in log_lines() if line["message"] == "runs unrecorded"]
    assert {line["network"] for line in unrecorded} == {"frames", "sound"}
    assert {line["reason"] for line in unrecorded} == {"CUDA graphs need a CUDA device."}


class FromTheHost(TorchDispatchMode):
    """Notes what a recording cannot hold: a tensor made of Python's numbers, and a number read back out of one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operation: Any, _types: Any, inputs: Any = (), named: Any = None) -> Any:
        if any(word in str(operation) for word in ("lift_fresh", "item", "local_scalar", "nonzero")):
            self.found.append(str(operation))
        return operation(*inputs, **(named or {}))


def shipped_model() -> MultimodalModel:
    (model,) = read_models(DEFAULT_MODEL)
    return model


@pytest.mark.parametrize("make", [small_model, shipped_model])
def test_nothing_that_is_recorded_goes_by_way_of_the_host(make: Callable[[], MultimodalModel]) -> None:
    encoders = CudaEncoders(make().eval().requires_grad_(False))
    with FromTheHost() as host:
        encoders._encode_frames(torch.zeros(2, 3, 224, 224))
        encoders._encode_sound(torch.randn(2, 16000))
        assert not host.found
        torch.zeros(2)[[0]].sum().item()  # this is how it shows
        assert len(host.found) == 2


def test_the_heads_keep_their_precision() -> None:
    model = small_model()
    CudaEncoders(model.eval().requires_grad_(False))
    assert model.fused_head.hidden.weight.dtype is torch.float32
    assert model.audio_encoder.projection.weight.dtype is torch.bfloat16


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 9])
def test_any_number_of_rows_is_cut_and_filled_up_to_the_sizes_there_are(rows: int) -> None:
    seen: list[int] = []

    def double(values: Tensor) -> tuple[Tensor, ...]:
        seen.append(len(values))
        return values * 2, values.to(torch.bfloat16)

    recorded = Recorded("double", double, torch.zeros(3), sizes=(2, 4))
    values = torch.arange(rows * 3.0).reshape(rows, 3)
    doubled, same = recorded(values)
    assert torch.equal(doubled, values * 2)
    assert torch.equal(same, values)
    assert same.dtype is torch.float32
    assert set(seen) <= {2, 4}
    assert sum(seen) - rows < 4  # never filled up by more than the largest would be


def test_what_a_recording_gave_survives_its_next_run() -> None:
    still = torch.zeros(2, 1)  # where a recording leaves its outputs

    def overwrite(values: Tensor) -> tuple[Tensor, ...]:
        still.copy_(values)
        return (still,)

    (values,) = Recorded("overwrite", overwrite, torch.zeros(1), sizes=(2,))(torch.arange(6.0).unsqueeze(1))
    assert values.flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_the_shipped_model_sees_on_a_gpu_what_it_sees_in_float32() -> None:
    """It tells faces apart by how little they change: in bfloat16 it was off by half."""
    reference = Predictor(shipped_model(), model_version="test", trained=True).score_chunk(probe_chunk())
    model = shipped_model()
    ours = Predictor(model, model_version="test", trained=True, encoders=[CudaEncoders(model)])
    scores = ours.score_chunk(probe_chunk())
    assert difference(probabilities(scores), probabilities(reference)).within(BOUNDS["openvino-bf16"])
    for here, there in zip(scores.windows, reference.windows, strict=True):
        assert here.video_logit == pytest.approx(there.video_logit, abs=1e-3)
