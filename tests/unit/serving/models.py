"""The design of the compact model at a size that scores a chunk in a blink."""

from __future__ import annotations

from typing import Any

import torch

from model_src.config import load_config
from model_src.models import MultimodalModel, build
from tests.unit.models.tiny import HEARING

SMALL_HEARING = HEARING | {"num_hidden_layers": 1}


def small_model(seed: int = 0, **video: Any) -> MultimodalModel:
    config = load_config("compact")
    parts = {
        "name": "small",
        "video": config.video.model_copy(update={"backbone": "test_efficientnet", **video}),
        "audio": config.audio.model_copy(update={"architecture": SMALL_HEARING}),
    }
    model = build(config.model_copy(update=parts), pretrained=False, seed=seed)
    with torch.no_grad():  # fresh weights see hardly any difference between two faces: sharpen their sight
        model.video_encoder.backbone.bn2.weight.mul_(100)
    return model
