"""What a training step minimises: the fused answer's loss, and the smaller ones beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_src.config.load import ConfigInvalid
from model_src.data.batch import Batch
from model_src.data.sample import FORGED
from model_src.models import MultimodalModel
from model_src.models.heads import log_odds
from model_src.models.inputs import frames_from_crops, waveform_from_pcm
from model_src.models.losses import AuxiliaryLossWeighter
from model_src.models.outputs import TrainingOutput
from model_src.training.head_pose_loss import head_pose_loss
from model_src.training.lip_sync_loss import Talking, lip_sync_loss
from model_src.training.processes import Team
from model_src.training.settings import LossSettings


def run(model: MultimodalModel, batch: Batch) -> TrainingOutput:
    """A batch through the whole model."""
    video = frames_of(model, batch) if model.config.enable_video else None
    audio = waveform_from_pcm(batch.pcm) if model.config.enable_audio else None  # [B, 16000]
    return model.outputs(
        video,
        audio,
        points=batch.points_in_video,
        frame_mask=batch.frame_mask,
        voice=batch.voice,
        audio_lengths=batch.length,
    )


def frames_of(model: MultimodalModel, batch: Batch) -> Tensor:
    """The pictures as that model takes them: [B, T, C, 224, 224]."""
    flow = None if model.config.video.channels == 3 else batch.flow
    if model.config.video.channels == 5 and flow is None:
        raise ValueError("the model looks at optical flow and the data has none: extract it with --flow")
    frames = frames_from_crops(batch.crops.flatten(0, 1), None if flow is None else flow.flatten(0, 1))
    return frames.unflatten(0, batch.crops.shape[:2])


class Objective(nn.Module):
    """A batch to its losses. One module, so that it can run distributed as a whole.

    Every loss is a sum over the windows it applies to, divided by all the windows of the batch: so the mean over
    several processes is what one process with all their windows would have found.
    """

    def __init__(self, model: MultimodalModel, settings: LossSettings, team: Team | None = None) -> None:
        super().__init__()
        if model.landmark_head is not None:
            raise ConfigInvalid(
                "the model has a head for 68 landmarks and the data has five points per face, so there is nothing to "
                "teach it with: set heads.landmarks to false"
            )
        self.model = model
        self.team = team or Team()
        self.smoothing = settings.label_smoothing
        self.weighter = AuxiliaryLossWeighter()
        self.weighter.add_loss("video", settings.video)
        self.weighter.add_loss("audio", settings.audio)
        self.weighter.add_loss("lip_sync", settings.lip_sync)
        self.weighter.add_loss("head_pose", settings.head_pose)
        self.weighter.add_loss("temporal", model.temporal_consistency_weight)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """The total, the losses as they are before weighing, and the log-odds of fake [B] for a running AUC."""
        output = run(self.model, batch)
        windows = output.windows
        main = self._classify(windows.fused, batch.label, torch.ones_like(batch.label, dtype=torch.bool))
        losses: dict[str, Tensor] = {}
        if self.model.config.multimodal:  # of a model of one modality, the head is the answer already
            assert windows.video is not None
            assert windows.audio is not None
            losses["video"] = self._classify(windows.video, batch.video_label, windows.has_video)
            losses["audio"] = self._classify(windows.audio, batch.audio_label, windows.has_audio)
        if windows.sync is not None and self.training:  # in validation, shares may be uneven: nobody waits for anybody
            assert self.model.lip_sync is not None
            clips = [video_id.removesuffix(FORGED) for video_id in batch.video_ids]
            losses["lip_sync"] = lip_sync_loss(
                self.model.lip_sync, Talking(windows.sync.codes, batch.in_sync, clips), self.team
            )
        if output.head_pose is not None:
            losses["head_pose"] = head_pose_loss(output.head_pose, batch.points, batch.frame_mask)
        temporal = self.model.compute_temporal_consistency_loss(output.frames)
        if temporal is not None:
            losses["temporal"] = temporal
        total = self.weighter.compute_total_loss(main, **losses)
        odds = log_odds(windows.fused).detach().float()  # [B]
        return total, {"main": main} | losses, odds

    def shares(self, losses: dict[str, float]) -> dict[str, float]:
        """How large each auxiliary loss is beside the main one, after weighing."""
        main = max(losses.get("main", 0.0), 1e-12)
        return {
            f"share_{name}": self.weighter.weights[name] * value / main
            for name, value in losses.items()
            if name in self.weighter.weights
        }

    def _classify(self, logits: Tensor, label: Tensor, applies: Tensor) -> Tensor:
        each = F.cross_entropy(logits.float(), label, label_smoothing=self.smoothing, reduction="none")  # [B]
        return (each * applies).sum() / len(label)
