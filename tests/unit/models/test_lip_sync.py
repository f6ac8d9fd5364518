"""Lips and speech: the delay that is found, what cannot be judged, and the share in the fused score."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model_src.config.schema import LipSyncConfig
from model_src.models.lip_sync import STEP_MS, Codes, LipSync, MouthEncoder, Sync, mix
from model_src.preprocess.align import CANONICAL, SIZE
from tests.unit.models.tiny import SIDE

DIM, FRAMES, STEPS = 8, 5, 49


def transparent() -> LipSync:
    """A head whose motion is the mouth code itself and whose speech is the audio itself: what it compares is known."""
    head = LipSync(DIM, LipSyncConfig(dim=DIM))
    with torch.no_grad():
        for layer in (head.motion, head.speech):
            layer.weight.zero_()
            layer.weight[:, :DIM, layer.kernel_size[0] // 2] = torch.eye(DIM)
        head.sharpness.fill_(10.0)
    return head.eval()


def speech_and_mouths(late_by_steps: int) -> tuple[Tensor, Tensor]:
    """Sound whose every step is a direction of its own, and mouths that show the direction of an earlier step."""
    audio = torch.randn(1, STEPS, DIM)
    at = torch.arange(FRAMES) * 50 // FRAMES + late_by_steps
    return audio, audio[:, at.clamp(0, STEPS - 1)]


def everything(audio: Tensor, mouths: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        mouths,
        torch.ones(mouths.shape[:2], dtype=torch.bool),
        audio,
        torch.ones(audio.shape[:2], dtype=torch.bool),
    )


@pytest.mark.parametrize("late", [0, 1, 4, 8])
def test_the_delay_of_the_sound_is_found_in_milliseconds(late: int) -> None:
    """The first frame shows the first step, so sound that comes late is still in the window, early sound is not."""
    audio, mouths = speech_and_mouths(late)
    sync = transparent()(*everything(audio, mouths))
    assert sync.offset_ms.item() == pytest.approx(late * STEP_MS, abs=6)


def test_sound_that_comes_early_has_a_negative_offset() -> None:
    audio, mouths = speech_and_mouths(-5)
    sync = transparent()(*everything(audio[:, :], mouths))
    assert sync.offset_ms.item() == pytest.approx(-5 * STEP_MS, abs=15)


def test_lips_in_step_with_speech_score_higher_than_lips_out_of_step() -> None:
    head = transparent()
    in_step, shifted = (head(*everything(*speech_and_mouths(late))).logit.item() for late in (0, 7))
    assert in_step == pytest.approx(10.0, abs=1e-3)  # cosine 1 times sharpness 10
    assert shifted < 6


def test_whose_mouth_and_whose_voice_it_is_makes_no_difference() -> None:
    """What stays the same over a window is a person, and a person's looks never tell whether the lips fit."""
    head = transparent()
    audio, mouths = speech_and_mouths(0)
    somebody = head(*everything(audio, mouths)).logit
    somebody_else = head(*everything(audio + torch.randn(DIM), mouths + torch.randn(DIM))).logit
    torch.testing.assert_close(somebody_else, somebody, atol=1e-3, rtol=0)


def test_a_single_moment_cannot_be_judged() -> None:
    mouths, frame_mask, audio, audio_mask = everything(*speech_and_mouths(0))
    frame_mask[:, 1:] = False
    assert not transparent()(mouths, frame_mask, audio, audio_mask).known.item()


def test_where_no_frame_meets_speech_nothing_is_said() -> None:
    mouths, frame_mask, audio, audio_mask = everything(*speech_and_mouths(0))
    silent = transparent()(mouths, frame_mask, audio, torch.zeros_like(audio_mask))
    unseen = transparent()(mouths, torch.zeros_like(frame_mask), audio, audio_mask)
    for sync in (silent, unseen):
        assert not sync.known.item()
        assert (sync.logit.item(), sync.offset_ms.item()) == (0.0, 0.0)


def test_only_frames_that_are_there_and_steps_that_speak_are_compared() -> None:
    mouths, frame_mask, audio, audio_mask = everything(*speech_and_mouths(0))
    frame_mask[0, 2] = False
    audio_mask[0, :5] = False  # where the first frame listens
    clean = transparent()(mouths, frame_mask, audio, audio_mask)
    mouths[0, 2], audio[0, :5] = 100.0, -100.0
    junk = transparent()(mouths, frame_mask, audio, audio_mask)
    torch.testing.assert_close(junk.logit, clean.logit)
    assert clean.logit.item() == pytest.approx(10.0, abs=1e-3)


def test_windows_do_not_look_at_each_other() -> None:
    head = LipSync(DIM, LipSyncConfig(dim=DIM)).eval()
    mouths, audio = torch.randn(3, FRAMES, DIM), torch.randn(3, STEPS, DIM)
    together = head(*everything(audio, mouths))
    alone = [head(*everything(audio[row : row + 1], mouths[row : row + 1])).logit for row in range(3)]
    torch.testing.assert_close(together.logit, torch.cat(alone))


def test_the_mouth_is_read_from_its_region_alone() -> None:
    config = LipSyncConfig(dim=DIM)
    encoder = MouthEncoder(config).eval()
    frames = torch.randn(2, 3, 224, 224)
    left, top, right, bottom = (int(share * 224) for share in config.mouth_box)
    elsewhere, lips = frames.clone(), frames.clone()
    elsewhere[:, :, :top] += 1
    elsewhere[:, :, :, :left] += 1
    lips[:, :, top:bottom, left:right] *= -1
    torch.testing.assert_close(encoder(elsewhere), encoder(frames))
    assert (encoder(lips) - encoder(frames)).abs().max() > 1e-2


def test_the_mouth_box_holds_the_mouth_corners_of_an_aligned_crop() -> None:
    left, top, right, bottom = LipSyncConfig().mouth_box
    for x, y in CANONICAL[3:] / SIZE:
        assert left + 0.05 < x < right - 0.05
        assert top + 0.05 < y < bottom - 0.05


def test_flow_channels_do_not_disturb_the_mouth() -> None:
    encoder, frames = MouthEncoder(LipSyncConfig(dim=DIM)).eval(), torch.randn(2, 5, SIDE, SIDE)
    torch.testing.assert_close(encoder(frames), encoder(frames[:, :3]))


def said(log_odds: list[float], known: bool) -> Sync:
    """What the head says; mixing does not ask how it came to that."""
    rows = len(log_odds)
    nothing = torch.empty(rows, 0)
    return Sync(
        torch.tensor(log_odds),
        torch.zeros(rows),
        torch.full((rows,), known),
        Codes(nothing, nothing, nothing.bool(), nothing.bool()),
    )


def test_mixing_takes_seven_tenths_of_the_fake_score_and_three_of_what_the_lips_say() -> None:
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    sync = said([-1.0, 3.0], known=True)
    fake, in_sync = torch.softmax(logits, dim=-1)[:, 1], torch.sigmoid(sync.logit)
    mixed = torch.softmax(mix(logits, sync, 0.3), dim=-1)[:, 1]
    torch.testing.assert_close(mixed, 0.7 * fake + 0.3 * (1 - in_sync))


def test_mixing_leaves_windows_alone_whose_lips_say_nothing() -> None:
    logits = torch.tensor([[0.5, 2.0]])
    sync = said([0.0], known=False)
    assert torch.equal(mix(logits, sync, 0.3), logits)
