"""Two cores are shared by all tests; the big model is built once."""

from __future__ import annotations

import pytest
import torch

from model_src.models import MultimodalModel, build


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def contract_v1() -> MultimodalModel:
    """The locked model with random weights: tests that train it or switch its mode put it back to evaluation mode."""
    return build("contract-v1", pretrained=False).eval()
