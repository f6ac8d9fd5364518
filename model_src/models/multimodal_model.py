"""The whole model, top to bottom: encode frames and sound, look along time, fuse, answer.

Shapes: N frames, W windows, T frames a window (5 to 10), A audio steps a window (49 a second), D the backbone's width,
V and U the widths of the video and the audio embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from model_src.config.schema import ModelConfig
from model_src.models.audio_encoder import AudioEncodings, Wav2Vec2AudioEncoder
from model_src.models.build_temporal import build_temporal
from model_src.models.checkpoint import read_weights, save_checkpoint
from model_src.models.fusion import build_fusion, either, even_unless
from model_src.models.heads import ClassificationHead, Draws, HeadPoseHead, LandmarkHead, log_odds
from model_src.models.lip_sync import LipSync, MouthEncoder, Sync, mix
from model_src.models.losses import TemporalConsistencyLoss
from model_src.models.masks import all_there, masked_mean
from model_src.models.missing import MissingToken, ModalityDropout
from model_src.models.outputs import Features, TrainingOutput, WindowLogits
from model_src.models.video_encoder import FrameEncodings, VideoEncoder
from model_src.models.windows import holding


class Modality(NamedTuple):
    """One of picture and sound, before they meet. A row that lacks it holds its learned token."""

    sequence: Tensor  # [W, L, V or U]
    mask: Tensor  # [W, L]
    present: Tensor  # [W]
    features: Tensor  # [W, V or U]
    logits: Tensor  # [W, 2]


class MultimodalModel(nn.Module):
    """Real or fake, from the picture, the sound, and how they fit. Weights are random until loaded."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        heads = config.heads
        self.landmark_head = self.head_pose_head = self.mouth_encoder = self.lip_sync = None
        if config.enable_video:
            self.video_encoder = VideoEncoder(config.video)
            stages = self.video_encoder.regions.channels if self.video_encoder.regions else ()
            self.temporal = build_temporal(self.video_encoder.output_dim, config.temporal, stages)
            self.missing_video = MissingToken(self.temporal.output_dim)
            own = heads.of_picture
            self.video_head = ClassificationHead(self.temporal.output_dim, own.hidden_dim, own.dropout)
            self.landmark_head = LandmarkHead(self.video_encoder.output_dim) if heads.landmarks else None
            self.head_pose_head = HeadPoseHead(self.video_encoder.output_dim) if heads.head_pose else None
            self.temporal_consistency_loss = TemporalConsistencyLoss()
        if config.enable_audio:
            self.audio_encoder = Wav2Vec2AudioEncoder(config.audio)
            self.missing_audio = MissingToken(self.audio_encoder.output_dim)
            self.audio_head = ClassificationHead(self.audio_encoder.output_dim, heads.hidden_dim, heads.dropout)
        if config.learns_fusion:
            self.modality_dropout = ModalityDropout(config.fusion.modality_dropout)
            self.fusion = build_fusion(self.temporal.output_dim, self.audio_encoder.output_dim, config.fusion)
            self.fused_head = ClassificationHead(self.fusion.output_dim, heads.hidden_dim, heads.dropout)
        if config.multimodal and config.lip_sync.enabled:
            self.mouth_encoder = MouthEncoder(config.lip_sync)
            self.lip_sync = LipSync(self.audio_encoder.output_dim, config.lip_sync)

    # --- on disk -----------------------------------------------------------------------------------------------------

    @classmethod
    def load_for_inference(cls, path: Path | str, device: str | torch.device = "cpu") -> Self:
        """In evaluation mode; no parameter asks for gradients: Grad-CAM takes them from the cached encodings alone."""
        config, state = read_weights(path)
        model = cls(config)
        model.load_state_dict(state, strict=True)
        return model.requires_grad_(False).eval().to(device)

    def save_checkpoint(self, path: Path | str, *, epoch: int, metrics: Mapping[str, float], **progress: Any) -> None:
        """Everything that training goes on from; `progress` as checkpoint.save_checkpoint takes it."""
        save_checkpoint(path, self, epoch=epoch, metrics=metrics, **progress)

    # --- whole windows, from pixels and sound: for training ----------------------------------------------------------

    def forward(self, video: Tensor | None = None, audio: Tensor | None = None, **masks: Tensor | None) -> Tensor:
        """Video [B, T, C, H, W] and audio [B, S], masks as `outputs` takes them -> fused logits [B, 2]."""
        return self.outputs(video, audio, **masks).windows.fused

    def outputs(
        self,
        video: Tensor | None = None,
        audio: Tensor | None = None,
        *,
        points: Tensor | None = None,
        frame_mask: Tensor | None = None,
        voice: Tensor | None = None,
        audio_lengths: Tensor | None = None,
    ) -> TrainingOutput:
        """One window per row; points [B, T, 5, 2] in the displayed video, where the model asks for them.

        frame_mask [B, T], voice [B, >= A] per 20 ms, audio_lengths [B] in samples.
        """
        frames = mouths = landmarks = head_pose = sound = sound_mask = None
        if self.config.enable_video and video is not None:
            rows, flat = video.shape[:2], video.flatten(0, 1)  # (B, T), [B * T, C, H, W]
            frames = self.encode_frames(flat).embeddings.unflatten(0, rows)  # [B, T, D]
            codes = self.encode_mouths(flat)  # [B * T, M]
            mouths = None if codes is None else codes.unflatten(0, rows)  # [B, T, M]
            landmarks = None if self.landmark_head is None else self.landmark_head(frames)  # [B, T, 68, 2]
            head_pose = None if self.head_pose_head is None else self.head_pose_head(frames)  # [B, T, 3]
        if self.config.enable_audio and audio is not None:
            sound, sound_mask = self.encode_audio(audio, voice, audio_lengths)  # [B, A, U], [B, A]
        seen = None if frames is None else self.temporal.with_points(frames, points)
        windows = self.score_windows(seen, frame_mask, sound, sound_mask, mouths)
        return TrainingOutput(windows, frames, landmarks, head_pose)

    def extract_features(
        self, video: Tensor | None = None, audio: Tensor | None = None, **masks: Tensor | None
    ) -> Features:
        """The vectors behind the answers: video [B, V], audio [B, U], fused [B, F]."""
        return self.outputs(video, audio, **masks).windows.features

    def compute_temporal_consistency_loss(self, video: Tensor | None) -> Tensor | None:
        """Of video [B, T, C, H, W], or of its embeddings [B, T, D] where a training step has them already.

        None where it does not apply: outside of training, switched off, or no picture.
        """
        enabled = self.config.enable_video and self.config.fusion.temporal_consistency_loss.enabled
        if video is None or not enabled or not self.training:
            return None
        if video.dim() == 5:
            video = self.encode_frames(video.flatten(0, 1)).embeddings.unflatten(0, video.shape[:2])  # [B, T, D]
        return self.temporal_consistency_loss(video)

    @property
    def temporal_consistency_weight(self) -> float:
        return self.config.fusion.temporal_consistency_loss.weight

    # --- the parts, for serving: encode once, assemble many windows --------------------------------------------------

    def encode_frames(self, frames: Tensor) -> FrameEncodings:
        """Frames [N, C, H, W] -> embeddings [N, D] and the last maps [N, D, h, w]."""
        return self.video_encoder(frames)

    def encode_mouths(self, frames: Tensor) -> Tensor | None:
        """Frames [N, C, H, W] -> mouth codes [N, M] for the lip-sync head; None where the model has none."""
        return None if self.mouth_encoder is None else self.mouth_encoder(frames)

    def encode_audio(
        self, waveform: Tensor, voice: Tensor | None = None, lengths: Tensor | None = None
    ) -> AudioEncodings:
        """Sound [B, S] at 16 kHz in [-1, 1], voice [B, >= A] per 20 ms -> [B, A, U] and the mask of speech [B, A]."""
        return self.audio_encoder(waveform, voice, lengths)

    def score_windows(
        self,
        frames: Tensor | None,
        frame_mask: Tensor | None = None,
        audio: Tensor | None = None,
        audio_mask: Tensor | None = None,
        mouths: Tensor | None = None,
    ) -> WindowLogits:
        """Frames [W, T, D], audio [W, A, U], mouths [W, T, M], masks [W, T] and [W, A] -> what W windows look like.

        Frames are as `temporal.with_points` gives them. A modality given as None is missing from every window; a mask
        given as None has no gap.
        """
        given = frames if frames is not None else audio
        if given is None:
            raise ValueError("nothing to score: neither frames nor audio")
        seen = self._see(frames, frame_mask, given) if self.config.enable_video else None
        heard = self._hear(audio, audio_mask, given) if self.config.enable_audio else None
        if seen is None or heard is None:
            return self._score_alone(seen, heard)

        logits, fused, attention = self._fuse(seen, heard)  # [W, 2], [W, F], [W, heads, T, A]
        sync = None
        if self.lip_sync is not None and mouths is not None and frames is not None:
            shown = seen.mask & seen.present.unsqueeze(1)  # [W, T], the tokens left out
            spoken = heard.mask & heard.present.unsqueeze(1)  # [W, A]
            sync = self.lip_sync(mouths, shown, heard.sequence, spoken)
        return WindowLogits(
            fused=self._mix_in(logits, sync),
            video=seen.logits,
            audio=heard.logits,
            has_video=seen.present,
            has_audio=heard.present,
            attention=attention,
            sync=sync,
            features=Features(seen.features, heard.features, fused),
        )

    def mc_dropout(
        self, windows: WindowLogits, passes: int = 10, seeds: Sequence[tuple[int, int]] | None = None
    ) -> Tensor:
        """So many fused answers, each with other hidden units of the head dropped: logits [passes, W, 2].

        `seeds` holds seeds, each with how many of the windows it is for; otherwise one is for all. Only the head runs
        again, so the passes cost next to nothing beside the encodings.
        """
        draws = Draws(seeds or [(0, len(windows.fused))])
        if not self.config.multimodal:
            head = self.video_head if self.config.enable_video else self.audio_head
            told = windows.has_video | windows.has_audio
            return even_unless(told, head.mc_dropout(windows.features.fused, passes, draws))
        if self.config.learns_fusion:
            logits = self.fused_head.mc_dropout(windows.features.fused, passes, draws)
        else:
            assert windows.features.video is not None
            assert windows.features.audio is not None
            video = self.video_head.mc_dropout(windows.features.video, passes, draws)
            audio = self.audio_head.mc_dropout(windows.features.audio, passes, draws)
            logits = either(video, audio, windows.has_video, windows.has_audio)
        return self._mix_in(logits, windows.sync)

    def score_frames(self, shown: Tensor, window_frames: Tensor, windows: WindowLogits) -> Tensor:
        """Frames [N, D], as `score_windows` took them in [W, T], and its answer -> how fake each looks, log-odds [N].

        By itself; where it is change that tells, as much as the seconds that hold it: the mean of those that say
        anything, and even odds where none does.
        """
        if self.temporal.judges_frames:
            return log_odds(self.video_head(self.temporal(shown.unsqueeze(1))))
        assert windows.video is not None
        says = (holding(window_frames, len(shown)) > 0) & windows.has_video[:, None]  # [W, N]
        said = log_odds(windows.video)[:, None].where(says, 0)  # no product: no number times zero is none either
        return said.sum(dim=0) / says.sum(dim=0).clamp(min=1)

    # --- the steps inside --------------------------------------------------------------------------------------------

    def _see(self, frames: Tensor | None, mask: Tensor | None, given: Tensor) -> Modality:
        if frames is None:  # one step that is not there
            nothing = given.new_zeros(len(given), 1, self.video_encoder.output_dim)
            frames = self.temporal.with_points(nothing, given.new_zeros(len(given), 1, 5, 2))
            mask = torch.zeros_like(all_there(frames))
        mask = all_there(frames) if mask is None else mask
        sequence, filled = self.missing_video(self.temporal.sequence(frames, mask), mask)  # [W, T, V], [W, T]
        features = masked_mean(sequence, filled)  # [W, V]
        return Modality(sequence, filled, self.temporal.tells(frames, mask), features, self.video_head(features))

    def _hear(self, audio: Tensor | None, mask: Tensor | None, given: Tensor) -> Modality:
        if audio is None or audio.shape[1] == 0:  # one step that is not there
            audio = given.new_zeros(len(given), 1, self.audio_encoder.output_dim)
            mask = torch.zeros_like(all_there(audio))
        mask = all_there(audio) if mask is None else mask
        sequence, filled = self.missing_audio(audio, mask)  # [W, A, U], [W, A]
        features = masked_mean(sequence, filled)  # [W, U]
        return Modality(sequence, filled, mask.any(dim=1), features, self.audio_head(features))

    def _fuse(self, seen: Modality, heard: Modality) -> tuple[Tensor, Tensor, Tensor | None]:
        if not self.config.learns_fusion:
            logits = either(seen.logits, heard.logits, seen.present, heard.present)
            return logits, torch.cat([seen.features, heard.features], dim=-1), None
        keep_video, keep_audio = self.modality_dropout(seen.present, heard.present)  # [W], [W]
        video, video_mask = self.missing_video(seen.sequence, seen.mask & keep_video.unsqueeze(1))
        sound, sound_mask = self.missing_audio(heard.sequence, heard.mask & keep_audio.unsqueeze(1))
        fused, attention = self.fusion(video, sound, video_mask, sound_mask)  # [W, F], [W, heads, T, A]
        return self.fused_head(fused), fused, attention

    def _score_alone(self, seen: Modality | None, heard: Modality | None) -> WindowLogits:
        """A model of one modality: its head decides."""
        alone = seen if seen is not None else heard
        assert alone is not None  # the configuration demands one
        absent = torch.zeros_like(alone.present)
        return WindowLogits(
            fused=even_unless(alone.present, alone.logits),
            video=None if seen is None else seen.logits,
            audio=None if heard is None else heard.logits,
            has_video=absent if seen is None else seen.present,
            has_audio=absent if heard is None else heard.present,
            attention=None,
            sync=None,
            features=Features(
                None if seen is None else seen.features, None if heard is None else heard.features, alone.features
            ),
        )

    def _mix_in(self, logits: Tensor, sync: Sync | None) -> Tensor:
        """The fused answer, with its share of lip sync where the configuration asks for one."""
        weight = self.config.lip_sync.mix_weight
        return logits if sync is None or weight == 0 else mix(logits, sync, weight)
