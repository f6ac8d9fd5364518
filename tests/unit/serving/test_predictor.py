"""What a chunk's scores promise, on a small model with random weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.config.schema import ModelConfig
from model_src.data.batch import collate
from model_src.data.sample import cut_window
from model_src.models import MultimodalModel, build
from model_src.models.heads import FAKE, log_odds
from model_src.models.inputs import frames_from_crops, waveform_from_pcm
from model_src.preprocess.align import CANONICAL
from model_src.preprocess.chunk import SAMPLE_RATE, VOICE_CELL, Chunk
from model_src.serving.encoders import FrameCodes, SoundCodes, TorchEncoders
from model_src.serving.errors import InferenceFailed
from model_src.serving.predictor import Predictor
from model_src.training.objective import run
from model_src.verdict.aggregate import aggregate
from model_src.verdict.scores import ChunkScores
from tests.unit.data.made_windows import made_video
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model

CPU = torch.device("cpu")


@dataclass
class CountingEncoders:
    """The real encoders, and how much they were given to do."""

    inside: TorchEncoders
    frames_seen: int = 0
    sounds_heard: list[int] = field(default_factory=list)

    def frames(self, crops: Tensor, flow: Tensor | None) -> FrameCodes:
        self.frames_seen += len(crops)
        return self.inside.frames(crops, flow)

    def sound(self, pcm: Tensor, voice: Tensor, lengths: NDArray[np.int64]) -> SoundCodes:
        self.sounds_heard += lengths.tolist()
        return self.inside.sound(pcm, voice, lengths)


@pytest.fixture(scope="module")
def model() -> MultimodalModel:
    return small_model()


@pytest.fixture(scope="module")
def predictor(model: MultimodalModel) -> Predictor:
    return Predictor(model, model_version="small", trained=False)


def counting(model: MultimodalModel) -> tuple[Predictor, CountingEncoders]:
    encoders = CountingEncoders(TorchEncoders(model.eval(), CPU))
    return Predictor(model, model_version="test", trained=False, encoders=[encoders]), encoders


@torch.inference_mode()
def each_window_by_itself(model: MultimodalModel, chunk: Chunk) -> list[float]:
    """The slow way: cut every window out of the video and run the whole network on it."""
    logits = []
    for places, start in zip(chunk.window_frames, chunk.window_starts, strict=True):
        there = torch.from_numpy(places >= 0)
        crops = torch.from_numpy(chunk.crops[places.clip(min=0)])  # [T, 224, 224, 3]
        first = round((float(start) - chunk.start) * SAMPLE_RATE)
        sound = waveform_from_pcm(torch.from_numpy(chunk.audio[first : first + SAMPLE_RATE]))  # [S]
        voice = torch.zeros(1, 50, dtype=torch.bool)
        cells = chunk.voice[first // VOICE_CELL : first // VOICE_CELL + 50]
        voice[0, : len(cells)] = torch.from_numpy(cells)
        output = model.outputs(frames_from_crops(crops)[None], sound[None], frame_mask=there[None], voice=voice)
        logits.append(log_odds(output.windows.fused).item())
    return logits


def test_assembled_windows_score_as_if_each_was_run_by_itself(model: MultimodalModel, predictor: Predictor) -> None:
    chunk = make_chunk(2.3, missing={3, 4})  # a gap in the picture and two windows that pass the end
    chunk = replace(chunk, voice=chunk.voice & (np.arange(len(chunk.voice)) % 7 > 1))
    ours = [window.logit for window in predictor.score_chunk(chunk).windows]
    assert ours == pytest.approx(each_window_by_itself(model, chunk), abs=1e-4)


def test_the_same_chunk_gets_the_same_scores_twice(predictor: Predictor) -> None:
    chunk = make_chunk(2)
    assert predictor.score_chunk(chunk) == predictor.score_chunk(Chunk.from_bytes(chunk.to_bytes()))


def test_a_window_scores_the_same_in_whichever_chunk_it_travels(predictor: Predictor) -> None:
    whole = make_chunk(3)
    late = replace(  # the last two seconds of the same video, as a chunk of its own
        whole,
        start=1.0,
        crops=whole.crops[5:],
        frame_ids=whole.frame_ids[5:],
        timestamps=whole.timestamps[5:],
        transforms=whole.transforms[5:],
        audio=whole.audio[SAMPLE_RATE:],
        voice=whole.voice[50:],
        window_starts=whole.window_starts[2:],
        window_frames=np.where(whole.window_frames[2:] >= 0, whole.window_frames[2:] - 5, -1),
        window_partial=whole.window_partial[2:],
        window_indices=whole.window_indices[2:],
    )
    here = {window.index: window.logit for window in predictor.score_chunk(whole).windows}
    there = {window.index: window.logit for window in predictor.score_chunk(late).windows}
    assert there == pytest.approx({index: here[index] for index in there}, abs=1e-4)


def test_every_frame_is_encoded_once_and_every_window_of_speech_once(model: MultimodalModel) -> None:
    counted, encoders = counting(model)
    chunk = make_chunk(2)
    silent = chunk.voice.copy()
    silent[25:] = False  # speech in the first half second alone: only the first window hears any
    counted.score_chunk(replace(chunk, voice=silent))
    assert encoders.frames_seen == len(chunk.crops) == 10
    assert encoders.sounds_heard == [SAMPLE_RATE]


def test_a_silent_video_is_judged_by_its_picture_alone(model: MultimodalModel) -> None:
    counted, encoders = counting(model)
    scores = counted.score_chunk(make_chunk(2, sound=False))
    assert len(scores.windows) == 4
    assert all(window.video_logit is not None for window in scores.windows)
    assert {(window.audio_logit, window.lip_sync) for window in scores.windows} == {(None, None)}
    assert scores.audio_anomalies == []
    assert encoders.sounds_heard == []


def test_sound_in_which_nobody_speaks_counts_as_no_sound(predictor: Predictor) -> None:
    chunk = make_chunk(1)
    quiet = replace(chunk, voice=np.zeros_like(chunk.voice))
    mute = make_chunk(1, sound=False)
    assert predictor.score_chunk(quiet).windows == predictor.score_chunk(mute).windows


def test_speech_and_face_together_get_a_lip_sync_score(predictor: Predictor) -> None:
    windows = predictor.score_chunk(make_chunk(1)).windows
    assert all(window.audio_logit is not None and window.lip_sync is not None for window in windows)


def test_a_chunk_without_a_face_is_judged_by_its_sound_alone(predictor: Predictor) -> None:
    scores = predictor.score_chunk(make_chunk(1, missing=set(range(5))))
    assert len(scores.windows) == 2
    assert all(window.audio_logit is not None for window in scores.windows)
    assert {(window.video_logit, window.lip_sync) for window in scores.windows} == {(None, None)}
    assert scores.frames == []


def test_a_chunk_with_neither_face_nor_sound_comes_back_empty(predictor: Predictor) -> None:
    scores = predictor.score_chunk(make_chunk(1, sound=False, missing=set(range(5))))
    assert (scores.windows, scores.frames, scores.audio_anomalies) == ([], [], [])


def test_one_usable_frame_is_enough_for_the_windows_that_hold_it(predictor: Predictor) -> None:
    scores = predictor.score_chunk(make_chunk(2, sound=False, missing=set(range(10)) - {4}))
    assert [window.index for window in scores.windows] == [0, 1]  # the others hold nothing and are left out
    (frame,) = scores.frames
    assert (frame.frame_id, frame.timestamp) == (4, 0.8)
    assert frame.saliency is not None


def test_the_most_suspicious_moments_come_with_a_heat_map_and_the_way_to_their_face(predictor: Predictor) -> None:
    chunk = make_chunk(8)
    frames = predictor.score_chunk(chunk).frames
    explained = [frame for frame in frames if frame.saliency is not None]
    assert len(frames) == 40
    assert len(explained) == 5
    for frame in frames:  # whoever is left out is less suspicious, or so near to one that is shown that it looks alike
        near = [f for f in explained if abs(f.timestamp - frame.timestamp) < 0.5]
        assert frame.logit <= (max(f.logit for f in near) if near else min(f.logit for f in explained))
    grids = [np.array(frame.saliency) for frame in explained]
    assert all(grid.shape == (7, 7) and grid.min() >= 0 for grid in grids)
    assert {grid.max() for grid in grids} <= {0, 1}  # normalised, or dark where the face speaks for real
    assert any(grid.max() == 1 for grid in grids)
    assert all(frame.transform == pytest.approx(chunk.transforms[frame.frame_id]) for frame in explained)
    assert [bool(frame.regions) for frame in explained] == [grid.any() for grid in grids]  # in words, where it glows
    assert all(frame.transform is None and not frame.regions for frame in frames if frame.saliency is None)


def test_ten_dropout_passes_scatter_around_the_score(predictor: Predictor) -> None:
    (window, *_) = predictor.score_chunk(make_chunk(1)).windows
    assert len(set(window.passes)) == 10
    assert min(window.passes) <= window.logit <= max(window.passes)


def test_windows_and_suspicious_sound_are_told_in_seconds_of_the_video_and_end_with_it() -> None:
    suspicious = small_model()
    with torch.no_grad():
        suspicious.audio_head.output.bias[FAKE] += 10
    scores = Predictor(suspicious, model_version="test", trained=False).score_chunk(make_chunk(1.71, start=60))
    assert [(window.start, window.end) for window in scores.windows] == [
        (60, 61),
        (60.5, 61.5),
        (61, 61.71),
        (61.5, 61.71),
    ]
    assert [window.partial for window in scores.windows] == [False, False, True, True]
    assert [window.index for window in scores.windows] == [120, 121, 122, 123]
    assert scores.audio_anomalies
    assert all(60 <= span.start < span.end <= 61.71 for span in scores.audio_anomalies)


def test_the_scores_are_ready_for_a_verdict(predictor: Predictor) -> None:
    scores = ChunkScores.model_validate_json(predictor.score_chunk(make_chunk(2)).model_dump_json())
    assert (scores.trained, scores.model_version, scores.chunk_index) == (False, "small", 3)
    assert len(aggregate([scores], duration=2).passes) == 10


@pytest.mark.parametrize("where", ["video_head", "audio_head", "fused_head"])
def test_a_number_that_is_none_is_a_failure_and_never_a_score(where: str) -> None:
    broken = small_model()
    with torch.no_grad():
        getattr(broken, where).output.weight.fill_(torch.nan)
    with pytest.raises(InferenceFailed):
        Predictor(broken, model_version="test", trained=False).score_chunk(make_chunk(1))


def test_a_model_that_needs_motion_refuses_a_chunk_without() -> None:
    sees_motion = Predictor(small_model(channels=5), model_version="test", trained=False)
    chunk = make_chunk(1)
    with pytest.raises(InferenceFailed, match="optical flow"):
        sees_motion.score_chunk(chunk)
    flow = np.zeros((len(chunk.crops), 224, 224, 2), np.float16)
    assert len(sees_motion.score_chunk(replace(chunk, flow=flow)).windows) == 2


def test_a_model_that_watches_change_sees_a_head_turn_alike_in_training_and_in_serving() -> None:
    watches = ModelConfig.model_validate(
        {
            "name": "watches",
            "enable_audio": False,
            "video": {"backbone": "test_efficientnet", "pooling": "regions", "region_stages": 2},
            "temporal": {"kind": "change"},
            "heads": {"hidden_dim": None},
        }
    )
    model = build(watches, pretrained=False, seed=1).eval()
    for name, values in model.video_encoder.named_buffers():
        if name.startswith("regions") and name.endswith("running_var"):
            values.fill_(1e-4)  # fresh weights see hardly any difference between two faces: sharpen their sight
    chunk, dice = make_chunk(2.0), np.random.default_rng(0)
    points = CANONICAL + np.cumsum(dice.normal(0, 3, (len(chunk.crops), 5, 2)), axis=0)
    turning = replace(chunk, points=points.astype(np.float32))
    video = made_video(0)
    windows = collate([[cut_window(turning, row, video)] for row in range(len(chunk.window_starts))])
    with torch.no_grad():
        trained = log_odds(run(model, windows).windows.fused).tolist()
    predictor = Predictor(model, model_version="test", trained=False)
    served = [window.logit for window in predictor.score_chunk(turning).windows]
    assert served == pytest.approx(trained, abs=1e-3)
    still = [window.logit for window in predictor.score_chunk(chunk).windows]
    assert all(abs(here - there) > 0.01 for here, there in zip(still, served, strict=True))
