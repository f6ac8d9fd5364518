"""Two models that learnt apart, one to look and one to listen, as one model: fake if either finds it fake."""

from __future__ import annotations

import torch

from model_src.config.schema import ModelConfig
from model_src.models.heads import FAKE, REAL, ClassificationHead
from model_src.models.multimodal_model import MultimodalModel
from model_src.verdict.scores import Calibration

AS_IT_IS = Calibration()
FEWEST_DROPPED = 0.05  # a head that learnt without dropout is still asked how it stands without some of its features


class DoNotFit(ValueError):
    """The two models cannot be joined; the argument says why."""


def join(
    picture: MultimodalModel,
    sound: MultimodalModel,
    name: str,
    picture_calibration: Calibration = AS_IT_IS,
    sound_calibration: Calibration = AS_IT_IS,
) -> MultimodalModel:
    """Nothing is learnt and nothing is random: every weight comes from one of the two.

    `either` takes each one at its word, so each is calibrated first: the calibrations become part of the heads.
    """
    looks, listens = picture.config, sound.config
    if not looks.enable_video or looks.enable_audio:
        raise DoNotFit(f"the first model has to look and not listen, and {looks.name!r} {senses(looks)}")
    if not listens.enable_audio or listens.enable_video:
        raise DoNotFit(f"the second model has to listen and not look, and {listens.name!r} {senses(listens)}")
    own = looks.heads.of_picture
    heads = listens.heads.model_dump(include={"hidden_dim", "dropout"})
    heads["picture"] = {"hidden_dim": own.hidden_dim, "dropout": max(own.dropout, FEWEST_DROPPED)}
    parts = {
        "name": name,
        "enable_audio": True,
        "audio": listens.audio.model_dump(),
        "fusion": {"kind": "either"},
        "heads": looks.heads.model_dump() | heads,
        "lip_sync": {"enabled": False},
    }
    model = MultimodalModel(ModelConfig.model_validate(looks.model_dump() | parts))
    model.load_state_dict({**picture.state_dict(), **sound.state_dict()}, strict=True)
    take_in(picture_calibration, model.video_head)
    take_in(sound_calibration, model.audio_head)
    return model.requires_grad_(False).eval()


@torch.no_grad()
def take_in(calibration: Calibration, head: ClassificationHead) -> None:
    """Log-odds x become scale * x + bias, whatever the method that found the two."""
    head.output.weight.mul_(calibration.scale)
    head.output.bias.mul_(calibration.scale)
    head.output.bias[FAKE] += calibration.bias / 2
    head.output.bias[REAL] -= calibration.bias / 2


def senses(config: ModelConfig) -> str:
    return "does both" if config.multimodal else "only looks" if config.enable_video else "only listens"
