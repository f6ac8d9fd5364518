"""From a chunk to its scores: the one path that evaluation, the endpoint and the tests share.

Every frame goes through the backbone once, however many windows hold it. Chunks that come together are encoded and
judged together, and the models of an ensemble share what a chunk is cut into.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from model_src.models import Ensemble, MultimodalModel
from model_src.models.ensemble import members_of
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.window_audio import SAMPLES
from model_src.serving.answer import Answer, answers
from model_src.serving.encoders import Encoders, TorchEncoders
from model_src.serving.group import group_chunks
from model_src.serving.material import Material, encode, material_of
from model_src.serving.view import look
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
        weights_sha256: Sequence[str] = (),
        device: str | torch.device = "cpu",
        encoders: Sequence[Encoders] | None = None,
    ) -> None:
        """`encoders`, one for each model of an ensemble, run its networks; the model is on the device then.

        `weights_sha256`, of the file each model was read from, says in every answer which weights gave it.
        """
        self.device = torch.device(device)
        self.model = model.eval().requires_grad_(False)
        self.model_version = model_version
        self.trained = trained
        self.calibration = calibration or Calibration()
        self.weights_sha256 = list(weights_sha256)
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
        """As one batch; what is wrong with one chunk is its own answer alone."""
        found: dict[int, ChunkScores | Exception] = {}
        batch: dict[int, Material] = {}
        for place, chunk in enumerate(chunks):
            try:
                batch[place] = material_of(chunk, self._models[0].config)
            except Exception as error:  # noqa: BLE001 - whatever it is, the chunk's sender is told
                found[place] = error
        try:
            judged = self._judge(list(batch.values()))
        except Exception as error:  # noqa: BLE001 - as above
            if len(chunks) > 1:  # one of them broke it for all: each by itself
                return [self.score_chunks([chunk])[0] for chunk in chunks]
            return [error]
        found |= zip(batch, judged, strict=True)
        return [found[place] for place in range(len(chunks))]

    def _judge(self, batch: list[Material]) -> list[ChunkScores | Exception]:
        """Every model encodes the batch once; windows that are alike pass through its heads together."""
        pairs = zip(self._models, self._encoders, strict=True)
        codes = [encode(model, encoders, batch, self.device) for model, encoders in pairs]
        found: dict[int, Answer | Exception] = {}
        for group in group_chunks(batch, codes[0], self.device):
            views = [look(model, each, group) for model, each in zip(self._models, codes, strict=True)]
            found |= zip((share.place for share in group.shares), answers(group, views), strict=True)
        return [self._scores(each.chunk, found.get(place, Answer())) for place, each in enumerate(batch)]

    def _scores(self, chunk: Chunk, answer: Answer | Exception) -> ChunkScores | Exception:
        if isinstance(answer, Exception):
            return answer
        return ChunkScores(
            model_version=self.model_version,
            trained=self.trained,
            weights_sha256=self.weights_sha256,
            calibration=self.calibration,
            chunk_index=chunk.index,
            windows=answer.windows,
            frames=answer.frames,
            audio_anomalies=answer.audio_anomalies,
        )


def same_senses(models: Sequence[MultimodalModel]) -> None:
    if len({senses(model) for model in models}) > 1:
        raise ValueError("The models of an ensemble must take the same input: picture, optical flow, sound.")


def senses(model: MultimodalModel) -> tuple[int, int]:
    """What a model takes in: channels of a picture and steps of a second of sound, 0 where it lacks the sense."""
    config = model.config
    channels = config.video.channels if config.enable_video else 0
    return channels, model.audio_encoder.steps(SAMPLES) if config.enable_audio else 0
