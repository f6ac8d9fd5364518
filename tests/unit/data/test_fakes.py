"""A forgery is where its mask says, moves with the face, and leaves no other trace beside its real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from runpy import run_path

import cv2
import numpy as np
import pytest

from model_src.data.augment.augment import Augment
from model_src.data.dataset import WindowDataset
from model_src.data.fakes import vocoders
from model_src.data.fakes.copy_synthesis import copy_synthesised
from model_src.data.fakes.face_swap import swapped_face
from model_src.data.fakes.gallery import Face, Gallery, gather
from model_src.data.fakes.held_face import held_face, held_head, held_moments
from model_src.data.fakes.make import CHANCES, CannotForge, Kind, SelfMadeFakes
from model_src.data.fakes.masks import POINTS, draw, placed
from model_src.data.fakes.mismatch import retimed_mouth, shifted_sound, swapped_sound
from model_src.data.fakes.misplaced_face import misplaced_face
from model_src.data.fakes.self_blend import self_blended
from model_src.data.sample import Sample
from model_src.data.video import Video
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.pcm import Wave
from tests.unit.data.faces import face_chunk, face_window
from tests.unit.data.made_windows import MadeSource, made_video, made_videos
from tests.unit.data.sheet import contact_sheet


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_self_blended_face_differs_inside_its_mask_and_nowhere_else(tmp_path: Path) -> None:
    real = face_window()
    rows = []
    for seed in range(6):
        fake, masks = self_blended(real, chance(seed))
        changed = (fake.crops != real.crops).any(axis=3)
        assert not changed[masks == 0].any()
        assert changed[masks > 0.4].mean() > 0.5
        assert 0.005 < (masks > 0.4).mean() < 0.6
        assert (fake.label, fake.video_label, fake.audio_label) == (1, 1, 0)
        rows.append(contact_sheet(real.crops, fake.crops, masks))
    sheet = tmp_path / "self_blended.png"
    assert cv2.imwrite(str(sheet), np.concatenate(rows)[..., ::-1])
    assert np.asarray(cv2.imread(str(sheet))).shape == (6 * 4 * 224, 5 * 224, 3)


def test_a_self_blended_face_does_not_flicker() -> None:
    """On a picture that stands still, every frame is forged alike."""
    real = face_window()
    still = replace(real, crops=real.crops[[0] * 5], points=real.points[[0] * 5])
    fake, masks = self_blended(still, chance(1))
    assert (fake.crops == fake.crops[:1]).all()
    assert (masks == masks[:1]).all()


def test_the_mask_follows_the_face() -> None:
    straight = (POINTS * 40 + 100).astype(np.float32)
    turned = (straight - 100) @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32) + np.float32(130)
    for points in (straight, turned):
        mouth = draw(placed(points, "mouth"), (260, 260), 4)
        rows, columns = np.nonzero(mouth > 0.5)
        assert np.allclose([columns.mean(), rows.mean()], points[3:].mean(axis=0), atol=3)
        face = draw(placed(points, "face"), (260, 260), 4)
        assert (mouth > 0.5).sum() < 0.4 * (face > 0.5).sum()


def test_shifted_sound_is_the_same_voice_at_another_time() -> None:
    chunk, real = face_chunk(), face_window(2)
    fake = shifted_sound(real, chunk, 2, chance(0))
    assert fake is not None
    assert (fake.crops == real.crops).all()
    assert (fake.in_sync, fake.video_label, fake.audio_label) == (0, 0, 0)
    whole = chunk.audio.tobytes()
    place = whole.find(fake.pcm.tobytes()) // 2
    assert 0.23 <= abs(place / 16_000 - (chunk.window_starts[2] - chunk.start)) <= 0.81


def test_a_window_without_a_voice_cannot_be_forged_by_sound() -> None:
    real = face_window()
    mute = replace(real, voice=np.zeros_like(real.voice), pcm=np.zeros_like(real.pcm), length=0)
    assert copy_synthesised(mute, "griffin_lim", chance(0)) is None
    assert swapped_sound(real, mute) is None
    with pytest.raises(CannotForge, match="copy_synthesis"):
        SelfMadeFakes({"copy_synthesis": 1.0})(mute, face_chunk(), 1, mute, chance(0))
    made = SelfMadeFakes({"copy_synthesis": 1.0, "self_blend": 1.0})(mute, face_chunk(), 1, mute, chance(0))
    assert (made.crops != mute.crops).any()


def test_silence_is_dealt_neither_as_real_nor_as_fake_where_only_voices_are_forged() -> None:
    """Silent windows that are always real would teach that silence is real."""

    def mute_first(chunk: Chunk, video: Video, _: np.random.Generator) -> Chunk:
        return replace(chunk, voice=chunk.voice & (video.video_id != "train_000"))

    videos = [made_video(number, label=0) for number in range(3)]
    dataset = WindowDataset(videos, MadeSource(mute_first), make_fake=SelfMadeFakes({"copy_synthesis": 1.0}))
    dealt = [[sample.video_id for sample in dataset[(0, number)]] for number in range(3)]
    assert dealt[0] == ["train_001", "train_001#forged"]
    assert dealt[1] == ["train_001", "train_001#forged"]


def test_a_retimed_mouth_leaves_the_eyes_alone() -> None:
    real = face_window()
    fake = retimed_mouth(real, chance(3))
    assert (fake.crops != real.crops).any()
    assert (fake.crops[:, :90] == real.crops[:, :90]).all()
    assert fake.in_sync == 0


def test_copy_synthesis_says_the_same_with_another_waveform() -> None:
    real = face_window()
    fake = copy_synthesised(real, "griffin_lim", chance(0))
    assert fake is not None

    def spectrum(pcm: np.ndarray) -> np.ndarray:
        return np.abs(np.fft.rfft(pcm.reshape(-1, 400) * np.hanning(400), axis=1))

    alike = np.corrcoef(spectrum(real.pcm).ravel(), spectrum(fake.pcm).ravel())[0, 1]
    assert alike > 0.9
    assert abs(np.corrcoef(real.pcm, fake.pcm)[0, 1]) < 0.9
    loudness = [float(np.sqrt(np.mean(sample.pcm.astype(float) ** 2))) for sample in (real, fake)]
    assert loudness[1] == pytest.approx(loudness[0], rel=0.02)
    assert (fake.audio_label, fake.video_label, fake.in_sync) == (1, 0, 1)


def test_world_is_never_learnt_even_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what carries over to a vocoder that was not learnt, on every machine."""
    (tmp_path / "pyworld.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert "world" not in run_path(str(vocoders.__file__))["LEARNT"]
    called: list[str] = []

    def spy(name: str, wave: Wave, _: np.random.Generator) -> Wave:
        called.append(name)
        return wave

    for name in vocoders.VOCODERS:
        monkeypatch.setitem(vocoders.VOCODERS, name, partial(spy, name))
    real = face_window()
    for seed in range(50):
        SelfMadeFakes({"copy_synthesis": 1.0})(real, face_chunk(), 1, real, chance(seed))
    assert set(called) == set(vocoders.VOCODERS) - {"world"}


def test_every_real_stands_beside_its_own_fake_and_both_take_the_same_road() -> None:
    """Same size, same type, same compression: JPEG at the same quality, the same film, the same noise."""
    seen: list[dict] = []

    def spy(sample, generator):  # type: ignore[no-untyped-def]
        seen.append(generator.bit_generator.state)
        return Augment(chance=1.0)(sample, generator)

    dataset = WindowDataset(made_videos(4), MadeSource(), augment=spy, make_fake=SelfMadeFakes({"retimed_mouth": 1.0}))
    real, fake = dataset[(0, 0)]
    assert (real.label, fake.label, real.video_id, real.window) == (
        0,
        1,
        fake.video_id.removesuffix("#forged"),
        fake.window,
    )
    assert seen[0] == seen[1]
    for field in fields(real):
        one, other = getattr(real, field.name), getattr(fake, field.name)
        if isinstance(one, np.ndarray):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
    assert len(dataset[(0, 1)]) == 1  # a fake that was found is no base for another


def lent_face() -> Face:
    """The only face at hand, mirrored and darker: somebody else, for all that a swap can know."""
    real = face_window()
    crop = np.ascontiguousarray(real.crops[0][:, ::-1] // 2)
    points = real.points[0][[1, 0, 2, 4, 3]].copy()
    points[:, 0] = crop.shape[1] - 1 - points[:, 0]
    return Face(crop, points)


def test_a_swapped_face_covers_the_face_and_nothing_outside_its_mask(tmp_path: Path) -> None:
    real = face_window()
    rows = []
    for seed in range(6):
        fake, masks = swapped_face(real, lent_face(), chance(seed))
        changed = (fake.crops != real.crops).any(axis=3)
        assert not changed[masks == 0].any()
        assert changed[masks > 0.5].mean() > 0.8
        assert (masks > 0.5).mean() > 0.05
        assert (fake.label, fake.video_label, fake.audio_label) == (1, 1, 0)
        rows.append(contact_sheet(real.crops, fake.crops, masks))
    sheet = tmp_path / "swapped.png"
    assert cv2.imwrite(str(sheet), np.concatenate(rows)[..., ::-1])


def test_a_swapped_face_takes_on_the_colour_of_the_head() -> None:
    """The lent face is half as bright; on the head it is not."""
    real = face_window()
    fake, masks = swapped_face(real, lent_face(), chance(2))
    inside = masks > 0.9
    assert real.crops[inside].mean() / 2 < 0.7 * fake.crops[inside].mean()


def test_a_misplaced_face_differs_inside_its_mask_and_nowhere_else() -> None:
    real = face_window()
    for seed in range(4):
        fake, masks = misplaced_face(real, chance(seed))
        changed = (fake.crops != real.crops).any(axis=3)
        assert not changed[masks == 0].any()
        assert changed[masks > 0.5].mean() > 0.7
        assert fake.label == 1


@pytest.mark.parametrize("held", [held_face, held_head])
def test_a_held_face_lives_less_than_it_did(held: Callable[[Sample, np.random.Generator], Sample]) -> None:
    """Its mouth opens and shuts in the window, and the head stays where it is."""
    real = face_window()
    opening = real.crops[[0] * len(real.crops)].copy()
    for now, crop in enumerate(opening):
        left, right = np.round(real.points[now, 3:]).astype(int)
        crop[left[1] : left[1] + 3 * now + 1, left[0] : right[0]] = 20
    real = replace(real, crops=opening, points=real.points[[0] * len(opening)])

    def life(crops: np.ndarray) -> float:
        return float(np.abs(np.diff(crops.astype(float), axis=0)).mean())

    lives = [life(held(real, chance(seed)).crops) for seed in range(8)]
    assert np.mean(lives) < 0.75 * life(real.crops)


def test_held_moments_stay_within_the_window_and_never_run() -> None:
    for seed in range(50):
        moments = held_moments(5, chance(seed))
        assert moments.min() >= 0
        assert moments.max() <= 4
        assert (np.diff(moments) >= 0).all()
        assert moments[-1] - moments[0] <= 3


def test_a_picture_alone_cannot_be_held() -> None:
    real = face_window()
    one = replace(real, crops=real.crops[:1], points=real.points[:1], frame_mask=real.frame_mask[:1])
    assert SelfMadeFakes({"held_face": 1}).make("held_face", one, face_chunk(), 0, one, chance(0)) is None


def test_nobody_wears_their_own_face() -> None:
    real = face_window()
    gallery = Gallery(np.stack([real.crops[0]] * 3), np.stack([real.points[0]] * 3), ("anna", "ben", "anna"))
    face = gallery.resembling(Face(real.crops[0], real.points[0]), "anna", chance(0))
    assert face is not None
    only_hers = Gallery(real.crops[:1], real.points[:1], ("anna",))
    assert only_hers.resembling(Face(real.crops[0], real.points[0]), "anna", chance(0)) is None


def test_the_lent_face_looks_the_same_way() -> None:
    real = face_window()
    turned = real.points[0] + np.array([30, 0], np.float32)
    gallery = Gallery(np.stack([real.crops[0]] * 2), np.stack([turned, real.points[0]]), ("ben", "carl"))
    face = gallery.resembling(Face(real.crops[0], real.points[0]), "anna", chance(0))
    assert face is not None
    assert (face.points == real.points[0]).all()


def test_the_gallery_holds_one_face_of_every_real_video() -> None:
    gallery = gather(made_videos(6), MadeSource(unreadable=frozenset({"train_002"})))
    assert sorted(gallery.groups) == ["video:train_000", "video:train_004"]
    assert gallery.crops.shape == (2, 224, 224, 3)


@pytest.mark.parametrize("kind", CHANCES)
def test_every_kind_of_forgery_is_the_same_for_the_same_seed(kind: Kind) -> None:
    real, other = face_window(2), replace(face_window(0), video_id="somebody else")
    lent = lent_face()
    fakes = SelfMadeFakes(gallery=Gallery(lent.crop[None], lent.points[None], ("somebody else",)))
    made = [fakes.make(kind, real, face_chunk(), 2, other, chance(7)) for _ in range(2)]
    assert made[0] is not None
    assert made[1] is not None
    assert made[0].label == 1
    assert (made[0].crops == made[1].crops).all()
    assert (made[0].pcm == made[1].pcm).all()
    assert (made[0].crops != real.crops).any() or (made[0].pcm != real.pcm).any()
