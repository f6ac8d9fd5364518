"""The sound is 16 kHz mono on the video's own clock, whatever it was stored as; and speech is told from silence."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from model_src.data.write_film import Sound as Recording
from model_src.preprocess import audio, voice
from model_src.preprocess.audio import Sound
from model_src.preprocess.chunk import SAMPLE_RATE
from model_src.preprocess.listen import Listener
from model_src.preprocess.pcm import pcm_from_wave, wave_from_pcm
from model_src.preprocess.voice import BLOCK, EnergyVoice, SileroVoice, VoiceDetector
from tests.media import make_clip, silence, speech, tone
from tests.unit.preprocess.reading import LIMITS, look, opened, scanned


def heard(path: Path, seconds: float = 2.0) -> np.ndarray:
    """[S] samples from the first frame on; empty without sound."""
    found = scanned(path)
    with opened(path) as descriptor, Sound(descriptor, found.start * found.time_base, LIMITS) as sound:
        return sound.take(0, round(seconds * SAMPLE_RATE)) if sound.present else np.zeros(0, np.int16)


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def click(at: float, *, offset: float = 0.0, codec: str = "pcm_s16le", rate: int = 48_000) -> Recording:
    samples = np.zeros((1, rate * 2), np.float32)
    samples[0, round(at * rate) : round(at * rate) + rate // 500] = 0.9
    return Recording(samples, rate, codec, offset=offset)


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "channels", "layout"),
    [
        ("mp4", "aac", 48_000, 1, "mono"),
        ("mp4", "aac", 44_100, 2, "stereo"),
        ("mp4", "aac", 48_000, 6, "5.1"),
        ("mp4", "aac", 8_000, 1, "mono"),
        ("mp4", "aac", 96_000, 2, "stereo"),
        ("mp4", "libmp3lame", 22_050, 1, "mono"),
        ("mp4", "ac3", 48_000, 6, "5.1"),
        ("mov", "pcm_s16le", 96_000, 2, "stereo"),
        ("mov", "pcm_s24le", 11_025, 1, "mono"),
        ("mkv", "flac", 44_100, 1, "mono"),
        ("mkv", "libopus", 48_000, 1, "mono"),
        ("mkv", "pcm_f32le", 192_000, 1, "mono"),
        ("avi", "pcm_u8", 8_000, 1, "mono"),
        ("avi", "adpcm_ms", 22_050, 1, "mono"),
        ("webm", "libopus", 48_000, 1, "mono"),
    ],
)
def test_every_way_to_store_sound_is_heard_alike(
    suffix: str, codec: str, rate: int, channels: int, layout: str, tmp_path: Path
) -> None:
    encoder = "libvpx-vp9" if suffix == "webm" else "libx264"
    sound = tone(2, hertz=440, rate=rate, channels=channels, codec=codec, layout=layout)
    path = make_clip(tmp_path / f"clip.{suffix}", seconds=2, codec=encoder, audio=sound)
    info = look(path)
    assert (info.has_audio, info.audio_sample_rate, info.audio_channels) == (True, rate, channels)
    samples = heard(path)
    assert samples.dtype == np.int16
    assert len(samples) == 2 * SAMPLE_RATE
    assert pitch(samples[4000:28_000]) == pytest.approx(440, abs=2)
    assert np.abs(samples[4000:28_000]).max() > 5000


def test_no_track_is_no_error(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4")
    assert not look(path).has_audio
    assert len(heard(path)) == 0


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.75])
def test_sound_that_starts_late_is_heard_late(offset: float, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mkv", seconds=3, audio=click(0.5, offset=offset))
    onset = np.flatnonzero(np.abs(heard(path, 3).astype(int)) > 3000)[0] / SAMPLE_RATE
    assert onset == pytest.approx(0.5 + offset, abs=0.003)


def test_sound_that_starts_before_the_pictures_is_cut(tmp_path: Path) -> None:
    times = [Fraction(1) + Fraction(number, 25) for number in range(50)]
    path = make_clip(tmp_path / "clip.mkv", timestamps=times, fps=25, audio=click(1.5))
    onset = np.flatnonzero(np.abs(heard(path).astype(int)) > 3000)[0] / SAMPLE_RATE
    assert onset == pytest.approx(0.5, abs=0.003)


def test_sound_shorter_than_the_pictures_ends_in_silence(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", seconds=3, audio=tone(1, codec="pcm_s16le"))
    samples = heard(path, 3)
    assert np.abs(samples[: SAMPLE_RATE - 100]).max() > 5000
    assert np.abs(samples[SAMPLE_RATE + 200 :]).max() == 0


def test_reading_in_pieces_gives_the_same_as_reading_at_once(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", seconds=3, audio=speech(3))
    whole = heard(path, 3)
    found = scanned(path)
    with opened(path) as descriptor, Sound(descriptor, found.start * found.time_base, LIMITS) as sound:
        pieces = [sound.take(begin, begin + 12_000) for begin in range(0, 40_000, 8000)]  # overlapping
    for number, piece in enumerate(pieces):
        np.testing.assert_array_equal(piece, np.pad(whole, (0, 12_000))[number * 8000 : number * 8000 + 12_000])


def test_sound_is_the_same_after_it_was_a_wave_and_what_is_too_loud_is_cut_off() -> None:
    every = np.arange(-32_768, 32_768).astype(np.int16)
    wave = wave_from_pcm(every)
    assert wave.dtype == np.float32
    assert (float(wave.min()), float(wave.max())) == (-1, 32_767 / 32_768)
    np.testing.assert_array_equal(pcm_from_wave(wave), every)
    np.testing.assert_array_equal(pcm_from_wave(np.array([-2.0, 2.0])), [-32_768, 32_767])


def mask_of(detector: VoiceDetector, recording: Recording) -> np.ndarray:
    samples = (recording.samples[0] * 32_767).astype(np.int16)
    return detector.hear(samples[: len(samples) // BLOCK * BLOCK])


def detectors() -> list[VoiceDetector]:
    weights = voice.silero_weights()
    assert weights is not None, "the package silero-vad is part of the environment"
    return [SileroVoice(weights), EnergyVoice()]


@pytest.mark.parametrize("which", [0, 1], ids=["silero", "energy"])
def test_speech_is_told_from_silence(which: int) -> None:
    quiet = silence(1.6, rate=SAMPLE_RATE)
    detector = detectors()[which]
    assert not mask_of(detector, quiet).any()
    assert mask_of(detector, speech(4)).mean() > 0.7
    assert mask_of(detector, quiet)[20:].mean() < 0.1


def test_the_network_does_not_take_a_whistle_for_speech_as_loudness_does() -> None:
    silero, energy = detectors()
    whistle = tone(4, hertz=1000, rate=SAMPLE_RATE)
    assert mask_of(silero, whistle).mean() < 0.2
    assert mask_of(energy, silence(0.48, rate=SAMPLE_RATE)).sum() == 0
    assert mask_of(energy, whistle)[:20].mean() > 0.9


def test_blocks_of_any_size_give_the_same_answer() -> None:
    samples = (speech(3.2).samples[0] * 32_767).astype(np.int16)
    whole = detectors()[0].hear(samples)
    again = detectors()[0]
    pieces = [again.hear(samples[begin : begin + 2 * BLOCK]) for begin in range(0, len(samples), 2 * BLOCK)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_without_the_package_loudness_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "silero_weights", lambda: None)
    assert isinstance(voice.voice_detector(), EnergyVoice)


def test_leading_silence_and_the_share_of_silence_are_measured(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mov", seconds=4, audio=speech(2, offset=2, codec="pcm_s16le"))
    found = scanned(path)
    with opened(path) as descriptor, Sound(descriptor, Fraction(0), LIMITS) as sound:
        listener = Listener(sound, voice.voice_detector(), float(found.duration))
        first, mask = listener.take(0, 3 * SAMPLE_RATE)
        second, later = listener.take(2 * SAMPLE_RATE, 5 * SAMPLE_RATE)
    assert (len(first), len(mask), len(second), len(later)) == (48_000, 150, 48_000, 150)
    np.testing.assert_array_equal(first[32_000:], second[:16_000])
    np.testing.assert_array_equal(mask[100:], later[:50])
    assert not mask[:95].any()
    assert later[:100].mean() > 0.7
    assert listener.leading_silence == pytest.approx(2, abs=0.1)
    assert listener.silence_share == pytest.approx(0.5, abs=0.1)


def test_the_fast_network_answers_as_the_reference_network_does() -> None:
    """The package ships one network that takes a whole stretch and one that takes 32 ms at a time."""
    import onnxruntime

    weights = voice.silero_weights()
    assert weights is not None
    reference = onnxruntime.InferenceSession(str(weights.with_name("silero_vad.onnx")))
    wave = np.concatenate([np.zeros(8192, np.float32), speech(3.2).samples[0], np.zeros(8192, np.float32)])
    wave = wave[: len(wave) // BLOCK * BLOCK]
    state, context, answers = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for begin in range(0, len(wave), 512):
        step = wave[begin : begin + 512]
        inputs = {"input": np.concatenate([context, step])[None], "state": state, "sr": np.array(16_000)}
        probability, state = reference.run(None, inputs)
        answers.append(float(probability[0, 0]))
        context = step[-64:]
    ours = SileroVoice(weights).probabilities(wave)
    assert np.abs(ours - np.array(answers)).max() < 0.02
    assert max(answers) > 0.9
    assert min(answers) < 0.1


def test_loudness_answers_by_what_stands_out_of_the_background() -> None:
    energy, cells = EnergyVoice(), np.ones(8 * BLOCK)

    def hear(level: float) -> float:
        return float(energy.hear((cells * level * 32_768).astype(np.int16)).mean())

    assert hear(0.02) == 0, "a hum from the start is the background"
    assert energy.hear((np.ones(BLOCK) * 6500).astype(np.int16)).all(), "20 dB above it is a voice"
    assert hear(0.0) == hear(0.001) == 0, "what is hardly there is none"


def test_what_does_not_decode_is_silence_and_moves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def decode(self) -> list[object]:
            raise av.error.InvalidDataError(1, "no sound")

    def damaged(packets: Iterator[object]) -> Iterator[object]:
        return (Broken() if 5 <= number < 15 else packet for number, packet in enumerate(packets))

    path = make_clip(tmp_path / "clip.mkv", seconds=3, audio=tone(3, codec="flac", rate=SAMPLE_RATE))
    whole = heard(path, 3)
    monkeypatch.setattr(audio, "readable", damaged)
    found = heard(path, 3)
    silent = found == 0
    assert 10_000 < silent.sum() < 80_000
    np.testing.assert_array_equal(found[~silent], whole[~silent])
