"""The design of the compact model at a size that scores a chunk in a blink."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import torch

from model_src.config import load_config
from model_src.models import MultimodalModel, build
from model_src.serving.manifest import write_model_directory
from model_src.verdict.scores import Calibration

SMALL_HEARING = {
    "model_type": "wav2vec2",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


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


def packed(folder: Path, version: str) -> Path:
    """The small model as a model.tar.gz in the folder, without graphs: it is packed in a blink, too."""
    made = folder / version
    write_model_directory(made, small_model(), model_version=version, trained=True, calibration=Calibration())
    return pack(made, folder / "model.tar.gz")


def pack(made: Path, archive: Path) -> Path:
    """Every file of the folder at the archive's root."""
    with tarfile.open(archive, "w:gz") as tar:
        for path in made.iterdir():
            tar.add(path, arcname=path.name)
    return archive
