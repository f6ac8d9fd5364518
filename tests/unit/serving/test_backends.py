"""However the networks are run, the scores stay those of PyTorch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from model_src.models import MultimodalModel
from model_src.serving import backends
from model_src.serving.backends import BOUNDS, Backend, has_bf16, make_encoders, usable
from model_src.serving.graphs import export_graphs
from model_src.serving.parity import difference, probabilities, probe_chunk
from model_src.serving.predictor import Predictor
from model_src.verdict.moments import most_suspicious
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

EXPORTED: list[Backend] = [name for name in get_args(Backend) if name != "torch"]


@pytest.fixture(scope="module")
def model() -> MultimodalModel:
    return small_model().eval()


@pytest.fixture(scope="module")
def graphs(model: MultimodalModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    assert export_graphs(model, folder) == ["frames.onnx", "sound.onnx"]
    return folder


def on(backend: Backend, model: MultimodalModel, graphs: Path) -> Predictor:
    if backend not in usable():
        pytest.skip(f"this machine cannot run {backend}")
    return Predictor(model, model_version="small", trained=False, encoders=[make_encoders(backend, model, graphs)])


@pytest.mark.parametrize("backend", EXPORTED)
def test_every_backend_scores_as_pytorch_does(backend: Backend, model: MultimodalModel, graphs: Path) -> None:
    chunk = make_chunk(3.2, missing={3, 4, 11})  # gaps in the picture, and windows that pass the end
    chunk = replace(chunk, voice=chunk.voice & (np.arange(len(chunk.voice)) % 9 > 1))
    ours = on(backend, model, graphs).score_chunk(chunk)
    reference = on("torch", model, graphs).score_chunk(chunk)
    assert difference(probabilities(ours), probabilities(reference)).within(BOUNDS[backend])
    frames = [frame.logit for frame in ours.frames]
    assert frames == pytest.approx([frame.logit for frame in reference.frames], abs=20 * BOUNDS[backend])
    explained = [frame for frame in ours.frames if frame.saliency]
    chosen = most_suspicious([frame.timestamp for frame in ours.frames], frames)
    assert {frame.frame_id for frame in explained} == {ours.frames[place].frame_id for place in chosen}


@pytest.mark.parametrize("backend", EXPORTED)
def test_one_frame_or_one_second_is_enough_for_a_graph(backend: Backend, model: MultimodalModel, graphs: Path) -> None:
    predictor = on(backend, model, graphs)
    silent = predictor.score_chunk(make_chunk(1, sound=False, missing={1, 2, 3, 4}))
    blind = predictor.score_chunk(make_chunk(1, missing=set(range(5))))
    assert (len(silent.frames), len(silent.windows)) == (1, 1)
    assert (len(blind.frames), len(blind.windows)) == (0, 2)


def test_a_model_that_compares_frames_sees_them_in_float32_even_where_bfloat16_is_faster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: dict[str, str] = {}
    monkeypatch.setattr(backends, "OpenVino", lambda path, precision, _threads: started.update({path.name: precision}))
    make_encoders("openvino-bf16", small_model(pooling="regions", region_stages=1), tmp_path)
    assert started == {"frames.onnx": "f32", "sound.onnx": "bf16"}
    make_encoders("openvino-bf16", small_model(), tmp_path)
    assert started == {"frames.onnx": "bf16", "sound.onnx": "bf16"}


def test_the_same_chunk_gets_the_same_scores_twice(model: MultimodalModel, graphs: Path) -> None:
    predictor = on("openvino", model, graphs)
    chunk = make_chunk(2)
    assert predictor.score_chunk(chunk) == predictor.score_chunk(chunk)


def test_optical_flow_goes_through_the_graph_too(tmp_path: Path) -> None:
    model = small_model(channels=5).eval()
    export_graphs(model, tmp_path)
    still = replace(probe_chunk(), flow=np.zeros((15, 224, 224, 2), np.float16))
    scores = {
        name: [probabilities(on(name, model, tmp_path).score_chunk(chunk)) for chunk in (probe_chunk(), still)]
        for name in ("torch", "onnxruntime", "openvino")
    }
    assert difference(*scores["torch"]).largest > 3e-4  # the model does look at it
    for name in ("onnxruntime", "openvino"):
        for ours, reference in zip(scores[name], scores["torch"], strict=True):
            assert difference(ours, reference).within(1e-5)


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags : fpu amx_bf16 amx_tile\n", True),
        ("Features : fp asimd bf16 i8mm\n", True),
        ("flags : fpu avx2 avx512f\n", False),
        ("", False),
    ],
)
def test_bf16_is_used_only_where_the_processor_has_it(tmp_path: Path, text: str, has: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert has_bf16(tmp_path / "cpuinfo") is has
    assert has_bf16(tmp_path / "nowhere") is False


def test_a_window_that_changes_its_class_or_is_no_number_fails_parity_however_small_the_difference() -> None:
    assert difference([0.6, 0.5, 0.5], [0.6005, 0.5, 0.5]).within(1e-3)
    assert not difference([0.6001, 0.5, 0.5], [0.5999, 0.5, 0.5]).within(1e-3)  # fake here, uncertain there
    assert not difference([0.4, 0.5, float("nan")], [0.4, 0.5, 0.5]).within(1e-3)
    assert not difference([0.6, 0.5, 0.5], []).within(1e-3)
