"""The whole model: shapes, gradients, what is shared, what is missing, and that it repeats itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model_src.models import MultimodalModel, build
from model_src.models.heads import log_odds
from model_src.models.outputs import TrainingOutput
from model_src.models.windows import gather_frames
from tests.unit.models.tiny import tiny_config, tiny_sound, tiny_video

LABELS = torch.tensor([0, 1])


def tiny(**changes: Any) -> MultimodalModel:
    return build(tiny_config(**changes), pretrained=False).eval()


def training_loss(model: MultimodalModel, output: TrainingOutput) -> Tensor:
    """Every answer has a say, and so has every token of a missing modality."""
    windows = output.windows
    logits = [windows.fused, windows.video, windows.audio]
    if output.frames is not None and model.config.multimodal:
        logits += [model.score_windows(output.frames).fused, model.score_windows(None, None, silent(model)).fused]
    loss = sum((F.cross_entropy(answer, LABELS) for answer in logits if answer is not None), torch.zeros(()))
    if windows.sync is not None:
        loss = loss + F.binary_cross_entropy_with_logits(windows.sync.logit, LABELS.to(windows.sync.logit))
    for auxiliary in (output.landmarks, output.head_pose):
        loss = loss if auxiliary is None else loss + (auxiliary - 0.3).square().mean()
    return loss


def silent(model: MultimodalModel) -> Tensor:
    return torch.randn(2, 4, model.audio_encoder.output_dim)


def silent_heads(model: MultimodalModel) -> set[str]:
    """Parameters that learn although no gradient came, and frozen ones that got one."""
    return {
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad != (parameter.grad is not None and bool((parameter.grad != 0).any()))
    }


# --- the locked model -------------------------------------------------------------------------------------------------


def test_contract_v1_runs_forward_and_backward_and_every_part_hears_of_it(contract_v1: MultimodalModel) -> None:
    contract_v1.train()
    output = contract_v1.outputs(torch.randn(2, 5, 3, 224, 224), tiny_sound())
    windows = output.windows
    assert output.frames is not None
    assert windows.video is not None
    assert windows.audio is not None
    assert windows.attention is not None
    assert output.frames.shape == (2, 5, 1536)
    assert windows.fused.shape == windows.video.shape == windows.audio.shape == (2, 2)
    assert windows.attention.shape == (2, 4, 5, 49)
    assert windows.features.fused.shape == (2, 2048 + 512)
    assert windows.features.video is not None
    assert windows.features.video.shape == (2, 2048)
    training_loss(contract_v1, output).backward()
    assert silent_heads(contract_v1) == set()
    contract_v1.zero_grad()
    contract_v1.eval()


def test_contract_v1_is_as_large_as_it_says(contract_v1: MultimodalModel) -> None:
    size = {name: sum(p.numel() for p in part.parameters()) for name, part in contract_v1.named_children()}
    assert size["video_encoder"] == 10_696_232
    assert size["temporal"] == 1536 * 2048 * 3 + 2048
    assert size["audio_encoder"] == 94_371_712 + 768 * 512 + 512
    assert size["fusion"] == (
        (2048 * 2048 + 2 * 512 * 2048 + 3 * 2048)  # queries, keys and values
        + (2048 * 2048 + 2048)  # out of the attention
        + (512 * 2048 + 2048)  # projection of the sound
        + (4096 * 512 + 512 + 512 + 1)  # gate
    )
    assert size["fused_head"] == 2560 * 512 + 512 + 512 * 2 + 2


# --- the same parts, smaller ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fusion": {"kind": "attention"}},
        {"fusion": {"kind": "concat"}},
        {"temporal": {"kind": "transformer"}},
        {"temporal": {"kind": "avg_pool"}},
        {"video": {"channels": 5}},
        {"video": {"spatial_attention": True, "frequency_branch": True}},
        {"video": {"frozen_stages": 3}},
        {"heads": {"landmarks": True, "head_pose": True}},
        {"lip_sync": {"mix_weight": 0.3}},
        {"lip_sync": {"enabled": False}},
        {"audio": {"frozen_blocks": 2, "freeze_feature_extractor": True}},
        {"enable_audio": False},
        {"enable_video": False},
    ],
    ids=str,
)
def test_gradients_reach_all_that_learns_and_nothing_that_is_frozen(changes: dict) -> None:
    model = tiny(**changes).train()
    output = model.outputs(tiny_video(channels=model.config.video.channels), tiny_sound())
    loss = training_loss(model, output)
    loss.backward()
    # Nothing stands in for the only modality there is: without it the odds are even.
    alone = set() if model.config.multimodal else {"missing_video.token", "missing_audio.token"}
    assert silent_heads(model) <= alone


@pytest.mark.parametrize("sense", ["enable_video", "enable_audio"])
def test_a_model_of_one_sense_says_even_odds_where_it_has_nothing_to_go_by(sense: str) -> None:
    model = tiny(**{sense: False})
    empty = torch.zeros(2, 5, dtype=torch.bool)
    lacking = model.outputs(tiny_video(), tiny_sound(), frame_mask=empty, voice=torch.zeros(2, 50).bool())
    assert (lacking.windows.fused.softmax(-1) == 0.5).all()


def test_the_auxiliary_heads_give_68_landmarks_and_three_angles() -> None:
    output = tiny(heads={"landmarks": True, "head_pose": True}).outputs(tiny_video(), tiny_sound())
    assert output.landmarks is not None
    assert output.head_pose is not None
    assert output.landmarks.shape == (2, 5, 68, 2)
    assert ((output.landmarks > 0) & (output.landmarks < 1)).all()
    assert output.head_pose.shape == (2, 5, 3)
    assert output.head_pose.abs().max() < torch.pi / 2


def test_without_auxiliary_heads_there_are_no_such_answers() -> None:
    output = tiny().outputs(tiny_video(), tiny_sound())
    assert output.landmarks is None
    assert output.head_pose is None


def test_forward_gives_the_fused_logits_and_extract_features_what_they_came_from() -> None:
    model = tiny()
    video, sound = tiny_video(), tiny_sound()
    logits, features = model(video, sound), model.extract_features(video, sound)
    assert logits.shape == (2, 2)
    torch.testing.assert_close(model.fused_head(features.fused), logits)
    assert features.video is not None
    torch.testing.assert_close(model.video_head(features.video), model.outputs(video, sound).windows.video)


def test_evaluation_repeats_itself_to_the_bit() -> None:
    model = tiny()
    assert torch.equal(model(tiny_video(), tiny_sound()), model(tiny_video(), tiny_sound()))


def test_training_does_not() -> None:
    model = tiny().train()
    assert not torch.equal(model(tiny_video(), tiny_sound()), model(tiny_video(), tiny_sound()))


def test_the_same_seed_gives_the_same_model_and_leaves_the_callers_luck_alone() -> None:
    state = torch.random.get_rng_state()
    one, same, other = (build(tiny_config(), pretrained=False, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["fused_head.output.weight"], other["fused_head.output.weight"])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float64, 1e-4)])
@pytest.mark.parametrize("changes", [{}, {"video": {"frequency_branch": True}, "temporal": {"kind": "transformer"}}])
def test_other_precisions_give_nearly_the_same(changes: dict, dtype: torch.dtype, tolerance: float) -> None:
    model = tiny(**changes)
    with torch.no_grad():
        single = model(tiny_video(), tiny_sound())
        other = model.to(dtype)(tiny_video().to(dtype), tiny_sound().to(dtype))
    assert other.dtype == dtype
    torch.testing.assert_close(other.float(), single, atol=tolerance, rtol=tolerance)


def test_training_under_autocast_gives_finite_gradients() -> None:
    model = tiny().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model.outputs(tiny_video(), tiny_sound(), audio_lengths=torch.tensor([16_000, 8_000]))
        loss = training_loss(model, output)
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


# --- shared encodings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temporal", ["conv", "avg_pool", "transformer"])
@pytest.mark.parametrize("fusion", ["cross_modal", "attention", "concat"])
def test_windows_from_shared_encodings_are_those_scored_one_by_one(temporal: str, fusion: str) -> None:
    model = tiny(temporal={"kind": temporal}, fusion={"kind": fusion}, lip_sync={"mix_weight": 0.3})
    frames, sound = tiny_video(1, 18)[0], tiny_sound(5, 1.0)  # five seconds of sound, each of its own
    window_frames = torch.tensor([[0, 1, 2, 3, 4], [2, 3, 4, 5, 6], [5, 6, -1, 8, 9], [-1] * 5, [13, 14, 15, 16, 17]])
    with torch.no_grad():
        audio = model.encode_audio(sound)
        frames_w, frame_mask = gather_frames(model.encode_frames(frames).embeddings, window_frames)
        mouths = model.encode_mouths(frames)
        assert mouths is not None
        mouths_w, _ = gather_frames(mouths, window_frames)
        shared = model.score_windows(frames_w, frame_mask, *audio, mouths_w)
        for w in range(len(window_frames)):
            mask = window_frames[w : w + 1] >= 0
            mine = frames[window_frames[w].clamp(min=0)]  # this window's own pixels, encoded for it alone
            alone = model.score_windows(
                model.encode_frames(mine).embeddings[None],
                mask,
                *model.encode_audio(sound[w : w + 1]),
                codes[None] if (codes := model.encode_mouths(mine)) is not None else None,
            )
            assert shared.video is not None
            assert alone.video is not None
            for together, single in ((shared.fused, alone.fused), (shared.video, alone.video)):
                torch.testing.assert_close(together[w : w + 1], single, atol=1e-5, rtol=1e-5)
    assert shared.has_video.tolist() == [True, True, True, False, True]


def test_whole_windows_give_what_their_parts_give() -> None:
    model = tiny()
    video, sound = tiny_video(), tiny_sound()
    with torch.no_grad():
        frames = model.encode_frames(video.flatten(0, 1)).embeddings.unflatten(0, (2, 5))
        audio, mask = model.encode_audio(sound)
        torch.testing.assert_close(model.score_windows(frames, None, audio, mask).fused, model(video, sound))


def test_a_frame_by_itself_is_a_window_of_that_frame() -> None:
    model = tiny()
    with torch.no_grad():
        embeddings = model.encode_frames(tiny_video(1, 4)[0]).embeddings
        places = torch.arange(4)[None]
        scores = model.score_frames(embeddings, places, model.score_windows(*gather_frames(embeddings, places)))
        for score, embedding in zip(scores, embeddings, strict=True):
            window = model.score_windows(embedding.view(1, 1, -1))
            assert window.video is not None
            torch.testing.assert_close(score, log_odds(window.video)[0])
    assert scores.std() > 0


# --- what is missing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"enable_audio": False}, {"enable_video": False}], ids=["picture", "sound"])
def test_a_model_of_one_modality_decides_by_it(changes: dict) -> None:
    model = tiny(**changes)
    windows = model.outputs(tiny_video(), tiny_sound()).windows
    own, other = (windows.video, windows.audio) if model.config.enable_video else (windows.audio, windows.video)
    assert own is not None
    assert torch.equal(windows.fused, own)
    assert other is None
    assert windows.has_video.all() == model.config.enable_video
    assert windows.has_audio.all() == model.config.enable_audio
    assert model.mc_dropout(windows).shape == (10, 2, 2)


def test_a_window_that_lacks_a_modality_says_so_and_is_judged_by_the_other() -> None:
    model = tiny()
    voice = torch.tensor([[True] * 50, [False] * 50])
    frame_mask = torch.tensor([[False] * 5, [True] * 5])
    windows = model.outputs(tiny_video(), tiny_sound(), frame_mask=frame_mask, voice=voice).windows
    assert windows.has_video.tolist() == [False, True]
    assert windows.has_audio.tolist() == [True, False]
    assert torch.isfinite(windows.fused).all()
    other = model.outputs(tiny_video(seed=9), tiny_sound(seed=9), frame_mask=frame_mask, voice=voice).windows
    assert (other.fused - windows.fused).abs().amin() > 0  # the modality that is there decides


def test_no_sound_at_all_is_the_same_as_silence() -> None:
    model = tiny()
    embeddings = torch.randn(2, 5, 256)
    silence = torch.zeros(2, 49, dtype=torch.bool)
    without = model.score_windows(embeddings)
    torch.testing.assert_close(
        model.score_windows(embeddings, None, torch.randn(2, 49, 24), silence).fused, without.fused
    )
    torch.testing.assert_close(model.score_windows(embeddings, None, torch.zeros(2, 0, 24)).fused, without.fused)
    assert not without.has_audio.any()


def test_a_missing_modality_is_its_token_and_not_zeros() -> None:
    model = tiny()
    embeddings = torch.randn(2, 5, 256)
    before = model.score_windows(embeddings).fused
    with torch.no_grad():
        model.missing_audio.token.add_(1.0)
    assert (model.score_windows(embeddings).fused - before).abs().amin() > 1e-4


def test_neither_picture_nor_sound_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither frames nor audio"):
        tiny()(None, None)


def test_modality_dropout_changes_the_fused_answer_alone() -> None:
    model = tiny(fusion={"modality_dropout": 1.0}, heads={"dropout": 0.0})
    embeddings, audio = torch.randn(64, 5, 256), torch.randn(64, 49, 24)
    whole = model.score_windows(embeddings, None, audio)
    dropped = model.train().score_windows(embeddings, None, audio)
    assert whole.video is not None
    assert dropped.video is not None
    torch.testing.assert_close(dropped.video, whole.video)
    assert ((dropped.fused - whole.fused).abs().amax(dim=1) > 1e-6).all()


# --- uncertainty ------------------------------------------------------------------------------------------------------


def test_mc_dropout_scatters_around_the_answer_as_dropout_in_the_head_must() -> None:
    """Mean and variance of a linear layer over dropped units are known: sum w h, and p / (1 - p) sum (w h)^2."""
    model = tiny(heads={"dropout": 0.3})
    with torch.no_grad():
        windows = model.outputs(tiny_video(), tiny_sound()).windows
        passes = model.mc_dropout(windows, 20_000)  # [20000, 2, 2]
        head = model.fused_head
        hidden = torch.relu(head.hidden(windows.features.fused))  # [2, hidden]
        variance = 0.3 / 0.7 * (hidden.unsqueeze(1) * head.output.weight).square().sum(dim=-1)  # [2, 2]
    torch.testing.assert_close(passes.mean(dim=0), windows.fused, atol=float(4 * variance.max().sqrt() / 141), rtol=0)
    torch.testing.assert_close(passes.var(dim=0), variance, rtol=0.05, atol=1e-7)
    assert variance.min() > 0


def test_mc_dropout_repeats_itself_for_a_seed_and_leaves_evaluation_mode_on() -> None:
    model = tiny()
    windows = model.outputs(tiny_video(), tiny_sound()).windows
    first = model.mc_dropout(windows, 10, [(3, 2)])
    assert first.shape == (10, 2, 2)
    assert torch.equal(first, model.mc_dropout(windows, 10, [(3, 2)]))
    assert not torch.equal(first, model.mc_dropout(windows, 10, [(4, 2)]))
    assert not model.training


def test_mc_dropout_drops_for_a_window_what_its_seed_says_whoever_comes_along() -> None:
    model = tiny()
    windows = model.outputs(tiny_video(3), tiny_sound(3)).windows
    together = model.mc_dropout(windows, 10, [(3, 2), (4, 1)])
    for seed, rows in ((3, slice(0, 2)), (4, slice(2, 3))):
        alone = model.outputs(tiny_video(3)[rows], tiny_sound(3)[rows]).windows
        torch.testing.assert_close(together[:, rows], model.mc_dropout(alone, 10, [(seed, len(alone.fused))]))


def test_mc_dropout_mixes_in_the_lips_as_the_answer_does() -> None:
    model = tiny(lip_sync={"mix_weight": 0.3}, heads={"dropout": 0.0})
    windows = model.outputs(tiny_video(), tiny_sound()).windows
    torch.testing.assert_close(model.mc_dropout(windows, 1)[0], windows.fused)


# --- temporal consistency ---------------------------------------------------------------------------------------------

CONSISTENT = {"temporal_consistency_loss": {"enabled": True, "weight": 0.15}}


def test_temporal_consistency_is_the_loss_of_the_frame_embeddings() -> None:
    model = tiny(fusion=CONSISTENT, video={"frozen_stages": "all"}).train()
    embeddings = model.encode_frames(tiny_video().flatten(0, 1)).embeddings.unflatten(0, (2, 5))
    loss = model.compute_temporal_consistency_loss(tiny_video())
    assert loss is not None
    torch.testing.assert_close(loss, model.temporal_consistency_loss(embeddings))
    torch.testing.assert_close(loss, model.compute_temporal_consistency_loss(embeddings))
    assert model.temporal_consistency_weight == 0.15


def test_temporal_consistency_trains_the_backbone() -> None:
    model = tiny(fusion=CONSISTENT).train()
    loss = model.compute_temporal_consistency_loss(tiny_video())
    assert loss is not None
    loss.backward()
    assert model.video_encoder.backbone.conv_stem.weight.grad.abs().max() > 0


def test_temporal_consistency_does_not_apply_outside_of_training_nor_where_it_is_off_nor_without_picture() -> None:
    assert tiny(fusion=CONSISTENT).compute_temporal_consistency_loss(tiny_video()) is None
    assert tiny().train().compute_temporal_consistency_loss(tiny_video()) is None
    assert tiny(fusion=CONSISTENT).train().compute_temporal_consistency_loss(None) is None
    assert tiny(fusion=CONSISTENT, enable_video=False).train().compute_temporal_consistency_loss(tiny_video()) is None


def test_temporal_consistency_needs_two_frames() -> None:
    with pytest.raises(ValueError, match="at least 2 frames"):
        tiny(fusion=CONSISTENT).train().compute_temporal_consistency_loss(tiny_video(frames=1))
