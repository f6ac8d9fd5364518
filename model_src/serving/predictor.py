"""From a chunk to its scores: the one path that evaluation, the endpoint and the tests share.

Every frame goes through the backbone once, however many windows hold it. Sound is encoded window by window: wav2vec2
normalises over the whole stretch it is given and attends to all of it, so what it makes of a second depends on the
seconds around it, and one pass over the chunk would give other numbers than the windows the model was trained on.
Windows in which nobody speaks are not encoded: the model does not look at them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_src.explain.audio_anomalies import audio_anomalies
from model_src.explain.grad_cam import grad_cam
from model_src.models import MultimodalModel
from model_src.models.heads import log_odds
from model_src.models.outputs import WindowLogits
from model_src.models.windows import gather_frames
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ChunkInvalid
from model_src.preprocess.window_audio import cut_windows
from model_src.serving.encoders import Encoders, FrameCodes, SoundCodes, TorchEncoders
from model_src.serving.errors import InferenceFailed
from model_src.verdict.calibrate import TOP_FRAMES
from model_src.verdict.scores import AudioAnomaly, Calibration, ChunkScores, FrameScore, WindowScore

PASSES = 10  # of MC dropout
DIGITS = 6
SALIENCY_DIGITS = 3


class Predictor:
    """Owns everything between the bytes of a chunk and the numbers of an answer. Not for two threads at once."""

    def __init__(
        self,
        model: MultimodalModel,
        *,
        model_version: str,
        trained: bool,
        calibration: Calibration | None = None,
        device: str | torch.device = "cpu",
        encoders: Encoders | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.model = model.eval().requires_grad_(False).to(self.device)
        self.model_version = model_version
        self.trained = trained
        self.calibration = calibration or Calibration()
        self._encoders = encoders or TorchEncoders(self.model, self.device)

    @torch.inference_mode()
    def score_chunk(self, chunk: Chunk) -> ChunkScores:
        """The same chunk always gets the same scores.

        A window with neither a usable frame nor speech is left out: there is nothing in it to judge. So a chunk may
        come back with fewer windows than it has, or with none.
        """
        codes = self._encode_frames(chunk)
        sound = self._encode_sound(chunk)
        kept = self._windows_to_judge(chunk, codes, sound)  # [K], rows of the chunk's windows
        windows = self._score_windows(chunk, codes, sound, kept) if len(kept) else None
        return ChunkScores(
            model_version=self.model_version,
            trained=self.trained,
            calibration=self.calibration,
            chunk_index=chunk.index,
            windows=[] if windows is None else self._window_scores(chunk, windows, kept),
            frames=[] if codes is None else self._frame_scores(chunk, codes, sound, kept),
            audio_anomalies=[] if windows is None else self._audio_anomalies(chunk, windows, sound, kept),
        )

    # --- encode ------------------------------------------------------------------------------------------------------

    def _encode_frames(self, chunk: Chunk) -> FrameCodes | None:
        config = self.model.config
        if not config.enable_video or len(chunk.crops) == 0:
            return None
        flow = chunk.flow if config.video.channels == 5 else None
        if config.video.channels == 5 and flow is None:
            raise InferenceFailed("The model looks at optical flow and the chunk carries none.")
        if flow is not None and not np.isfinite(flow).all():
            raise ChunkInvalid("bad_arrays", "The optical flow of the chunk holds a value that is no number.")
        return self._encoders.frames(chunk.crops, flow)

    def _encode_sound(self, chunk: Chunk) -> SoundCodes | None:
        """Encodings [W, A, U] of every window; those without speech hold zeros and an empty mask."""
        if not self.model.config.enable_audio or len(chunk.audio) == 0:
            return None
        audio = cut_windows(chunk)
        speaks = np.flatnonzero(audio.speaks)  # [R]
        if len(speaks) == 0:
            return None
        spoken = self._encoders.sound(audio.pcm[speaks], audio.voice[speaks], audio.lengths[speaks])
        rows = torch.from_numpy(speaks).to(self.device)
        embeddings = spoken.embeddings.new_zeros(len(audio.pcm), *spoken.embeddings.shape[1:])  # [W, A, U]
        mask = spoken.mask.new_zeros(len(audio.pcm), spoken.mask.shape[1])  # [W, A]
        return SoundCodes(embeddings.index_copy(0, rows, spoken.embeddings), mask.index_copy(0, rows, spoken.mask))

    # --- assemble ----------------------------------------------------------------------------------------------------

    def _windows_to_judge(self, chunk: Chunk, codes: FrameCodes | None, sound: SoundCodes | None) -> NDArray[np.int64]:
        seen = (chunk.window_frames >= 0).any(axis=1) & (codes is not None)  # [W]
        heard = np.zeros_like(seen) if sound is None else sound.mask.any(dim=1).cpu().numpy()  # [W]
        return np.flatnonzero(seen | heard)

    def _score_windows(
        self, chunk: Chunk, codes: FrameCodes | None, sound: SoundCodes | None, rows: NDArray[np.int64]
    ) -> WindowLogits:
        frames = frame_mask = mouths = audio = audio_mask = None
        if codes is not None:
            places = torch.from_numpy(chunk.window_frames[rows]).long().to(self.device)  # [K, T]
            frames, frame_mask = gather_frames(codes.embeddings, places)  # [K, T, D], [K, T]
            mouths = None if codes.mouths is None else gather_frames(codes.mouths, places)[0]  # [K, T, M]
        if sound is not None:
            audio, audio_mask = sound.embeddings[rows], sound.mask[rows]  # [K, A, U], [K, A]
        return self.model.score_windows(frames, frame_mask, audio, audio_mask, mouths)

    # --- answer ------------------------------------------------------------------------------------------------------

    def _window_scores(self, chunk: Chunk, windows: WindowLogits, rows: NDArray[np.int64]) -> list[WindowScore]:
        fused = numbers(log_odds(windows.fused))  # [K]
        video = present(windows.video, windows.has_video)
        audio = present(windows.audio, windows.has_audio)
        sync: list[float | None] = [None] * len(rows)
        if windows.sync is not None:
            agree = numbers(torch.sigmoid(windows.sync.logit))
            sync = [p if known else None for p, known in zip(agree, windows.sync.known.tolist(), strict=True)]
        passes = log_odds(self.model.mc_dropout(windows, PASSES, seed=chunk.index))  # [passes, K]
        by_window = [numbers(column) for column in passes.unbind(dim=1)]
        return [
            WindowScore(
                index=int(chunk.window_indices[row]),
                start=float(chunk.window_starts[row]),
                end=window_end(chunk, row),
                partial=bool(chunk.window_partial[row]),
                logit=fused[place],
                video_logit=video[place],
                audio_logit=audio[place],
                lip_sync=sync[place],
                passes=by_window[place],
            )
            for place, row in enumerate(rows.tolist())
        ]

    def _frame_scores(
        self, chunk: Chunk, codes: FrameCodes, sound: SoundCodes | None, rows: NDArray[np.int64]
    ) -> list[FrameScore]:
        logits = numbers(self.model.score_frames(codes.embeddings))  # [F]
        top = sorted(range(len(logits)), key=lambda frame: (-logits[frame], frame))[:TOP_FRAMES]
        saliency = self._saliency(chunk, codes, sound, rows, top)
        return [
            FrameScore(
                frame_id=int(chunk.frame_ids[frame]),
                timestamp=float(chunk.timestamps[frame]),
                logit=logit,
                saliency=saliency.get(frame),
                transform=chunk.transforms[frame].tolist() if frame in saliency else None,
            )
            for frame, logit in enumerate(logits)
        ]

    def _saliency(
        self,
        chunk: Chunk,
        codes: FrameCodes,
        sound: SoundCodes | None,
        rows: NDArray[np.int64],
        top: list[int],
    ) -> dict[int, list[list[float]]]:
        """Grad-CAM of the top frames: only the windows that hold one run through the head, forwards and back."""
        rows = rows[np.isin(chunk.window_frames[rows], top).any(axis=1)]
        if len(rows) == 0:
            return {}
        heat = grad_cam(
            self.model,
            codes.embeddings,
            codes.maps,
            torch.from_numpy(chunk.window_frames[rows]).long().to(self.device),
            None if sound is None else sound.embeddings[rows],
            None if sound is None else sound.mask[rows],
            codes.mouths,
        )[top]  # [5, 7, 7]
        if not torch.isfinite(heat).all():
            raise InferenceFailed("The model gave a number that is none.")
        grids = heat.double().cpu().numpy().round(SALIENCY_DIGITS).tolist()
        return dict(zip(top, grids, strict=True))

    def _audio_anomalies(
        self, chunk: Chunk, windows: WindowLogits, sound: SoundCodes | None, rows: NDArray[np.int64]
    ) -> list[AudioAnomaly]:
        """Spans in seconds of the whole video; none reaches beyond the sound of the chunk."""
        if sound is None:
            return []
        found = audio_anomalies(windows, chunk.window_starts[rows].tolist(), sound.mask[rows])
        return [span.model_copy(update={"end": min(span.end, chunk.end)}) for span in found if span.start < chunk.end]


def window_end(chunk: Chunk, row: int) -> float:
    """Where the window ends as far as the chunk knows; Aggregate, which knows the video's length, has the last word."""
    start = float(chunk.window_starts[row])
    return max(start, min(start + 1, chunk.end)) if chunk.window_partial[row] else start + 1


def present(logits: Tensor | None, there: Tensor) -> list[float | None]:
    """The log-odds of one modality [K], None for a window that lacks it."""
    if logits is None:
        return [None] * len(there)
    return [value if has else None for value, has in zip(numbers(log_odds(logits)), there.tolist(), strict=True)]


def numbers(values: Tensor) -> list[float]:
    """A row of numbers for the answer. Infinity and NaN are a failure, never an answer."""
    plain: Iterable[float] = values.double().cpu().tolist()
    rounded = [round(value, DIGITS) for value in plain]
    if not np.isfinite(rounded).all():
        raise InferenceFailed("The model gave a number that is none.")
    return rounded
