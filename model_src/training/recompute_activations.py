"""Training in less memory, for more time."""

from __future__ import annotations

from model_src.models import MultimodalModel


def recompute_activations(model: MultimodalModel) -> None:
    """Activations are computed again on the way back instead of being kept."""
    if model.config.enable_video:
        model.video_encoder.backbone.set_grad_checkpointing(True)
    if model.config.enable_audio:
        model.audio_encoder.model.activation_checkpointing_enable({"use_reentrant": False})
