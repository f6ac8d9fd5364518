"""From a chunk to its scores: the one path that evaluation, the endpoint and the tests share.

Every frame goes through the backbone once, however many windows hold it. Chunks that come together are encoded
together, and the models of an ensemble share what a chunk is cut into.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from model_src.models import Ensemble, MultimodalModel
from model_src.models.ensemble import members_of
from model_src.models.outputs import WindowLogits
from model_src.models.windows import gather_frames
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.window_audio import SAMPLES
from model_src.serving.answer import View, anomalies, frame_scores, window_scores
from model_src.serving.encoders import Encoders, TorchEncoders
from model_src.serving.material import Codes, Material, encode, material_of
from model_src.verdict.scores import Calibration, ChunkScores


class Predictor:
    """Owns everything between the bytes of a chunk and the numbers of an answer. Not for two threads at once."""

    def __init__(
        self,
        model: MultimodalModel | Ensemble,
        *,
        model_version: str,
        trained: bool,
        calibration: Calibration | None = None,
        device: str | torch.device = "cpu",
        encoders: Sequence[Encoders] | None = None,
    ) -> None:
        """`encoders`, one for each model of an ensemble, run its networks; the model is on the device then."""
        self.device = torch.device(device)
        self.model = model.eval().requires_grad_(False)
        self.model_version = model_version
        self.trained = trained
        self.calibration = calibration or Calibration()
        self._models = members_of(model)
        same_senses(self._models)
        if encoders is None:
            model.to(self.device)
            encoders = [TorchEncoders(member, self.device) for member in self._models]
        self._encoders = encoders

    def score_chunk(self, chunk: Chunk) -> ChunkScores:
        """The same chunk always gets the same scores.

        A window with neither a usable frame nor speech is left out: there is nothing in it to judge. So a chunk may
        come back with fewer windows than it has, or with none.
        """
        (scores,) = self.score_chunks([chunk])
        if isinstance(scores, Exception):
            raise scores
        return scores

    @torch.inference_mode()
    def score_chunks(self, chunks: Sequence[Chunk]) -> list[ChunkScores | Exception]:
        """Encoded as one batch, answered one by one; what is wrong with one chunk is its own answer alone."""
        found: dict[int, ChunkScores | Exception] = {}
        batch: dict[int, Material] = {}
        for place, chunk in enumerate(chunks):
            try:
                batch[place] = material_of(chunk, self._models[0].config)
            except Exception as error:  # noqa: BLE001 - whatever it is, the chunk's sender is told
                found[place] = error
        try:
            codes = self._encode(list(batch.values()))
        except Exception as error:  # noqa: BLE001 - as above
            if len(chunks) > 1:  # one of them broke it for all: each by itself
                return [self.score_chunks([chunk])[0] for chunk in chunks]
            return [error]
        for (place, each), of_each_model in zip(batch.items(), codes, strict=True):
            try:
                found[place] = self._answer(each.chunk, of_each_model)
            except Exception as error:  # noqa: BLE001 - as above
                found[place] = error
        return [found[place] for place in range(len(chunks))]

    def _encode(self, batch: list[Material]) -> list[tuple[Codes, ...]]:
        """For each chunk, what each model makes of it."""
        pairs = zip(self._models, self._encoders, strict=True)
        by_model = [encode(model, encoders, batch, self.device) for model, encoders in pairs]
        return list(zip(*by_model, strict=True))

    def _answer(self, chunk: Chunk, codes: Sequence[Codes]) -> ChunkScores:
        rows = windows_to_judge(chunk, codes[0])  # [K], rows of the chunk's windows
        views = [
            View(model, each, self._score_windows(model, chunk, each, rows))
            for model, each in zip(self._models, codes, strict=True)
            if len(rows)
        ]
        return ChunkScores(
            model_version=self.model_version,
            trained=self.trained,
            calibration=self.calibration,
            chunk_index=chunk.index,
            windows=window_scores(chunk, rows, views) if views else [],
            frames=frame_scores(chunk, rows, views),
            audio_anomalies=anomalies(chunk, rows, views),
        )

    def _score_windows(
        self, model: MultimodalModel, chunk: Chunk, codes: Codes, rows: NDArray[np.int64]
    ) -> WindowLogits:
        frames = frame_mask = mouths = audio = audio_mask = None
        if codes.frames is not None:
            places = torch.from_numpy(chunk.window_frames[rows]).long().to(self.device)  # [K, T]
            frames, frame_mask = gather_frames(codes.frames.embeddings, places)  # [K, T, D], [K, T]
            mouths = None if codes.frames.mouths is None else gather_frames(codes.frames.mouths, places)[0]  # [K, T, M]
        if codes.sound is not None:
            audio, audio_mask = codes.sound.embeddings[rows], codes.sound.mask[rows]  # [K, A, U], [K, A]
        return model.score_windows(frames, frame_mask, audio, audio_mask, mouths)


def windows_to_judge(chunk: Chunk, codes: Codes) -> NDArray[np.int64]:
    seen = (chunk.window_frames >= 0).any(axis=1) & (codes.frames is not None)  # [W]
    heard = np.zeros_like(seen) if codes.sound is None else codes.sound.mask.any(dim=1).cpu().numpy()  # [W]
    return np.flatnonzero(seen | heard)


def same_senses(models: Sequence[MultimodalModel]) -> None:
    if len({senses(model) for model in models}) > 1:
        raise ValueError("The models of an ensemble must take the same input: picture, optical flow, sound.")


def senses(model: MultimodalModel) -> tuple[int, int]:
    """What a model takes in: channels of a picture and steps of a second of sound, 0 where it lacks the sense."""
    config = model.config
    channels = config.video.channels if config.enable_video else 0
    return channels, model.audio_encoder.steps(SAMPLES) if config.enable_audio else 0
