"""The model: `build` one by name, or `load_for_inference` a trained one."""

from __future__ import annotations

from model_src.models import torchvision_ops  # first: timm and transformers import torchvision

# isort: split
from model_src.models.checkpoint import save_checkpoint, save_for_serving
from model_src.models.ensemble import Ensemble
from model_src.models.multimodal_model import MultimodalModel
from model_src.models.registry import build
from model_src.models.weights import MissingWeightsError

load_for_inference = MultimodalModel.load_for_inference

__all__ = [
    "Ensemble",
    "MissingWeightsError",
    "MultimodalModel",
    "build",
    "load_for_inference",
    "save_checkpoint",
    "save_for_serving",
    "torchvision_ops",
]
