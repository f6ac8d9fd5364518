"""Every choice of a training run, with its meaning at its field. One YAML file holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from model_src.config.load import ConfigInvalid, load_config, read_yaml
from model_src.config.schema import ModelConfig, Settings
from model_src.data.fakes.make import CHANCES, Kind

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
NAMED = "contract-v1"  # the model that is trained where none is named


def off_as_yaml_reads_it(given: Any) -> Any:
    return "off" if given is False else given


class DataSettings(Settings):
    mode: Literal["preextracted", "on_the_fly"] = Field("preextracted", description="read chunks, or split the videos")
    extracted: Path | None = Field(None, description="where `aura extract` wrote; null: beside the data root")
    sources: tuple[str, ...] | None = Field(None, description="learn and check on videos of these sources; null: all")
    sampling: Literal["random", "uniform", "start_at"] = Field(
        "random", description="which windows of a video to learn"
    )
    windows_per_video: Count = Field(1, description="windows of each video that are learnt in one epoch")
    start_at: NotNegative = Field(0.0, description="second of the first window, for `start_at`")
    augment: bool = Field(True, description="blur, noise, codecs and the like, the same for real and fake")
    frames: Count | None = Field(None, description="frames taken from each window; 1 learns from pictures; null: all")
    self_made_fakes: bool = Field(False, description="forge every real window and put the two side by side")
    fakes: dict[Kind, NotNegative] = Field(
        default_factory=lambda: dict(CHANCES), description="the chance of each kind of self-made fake"
    )
    validation_windows: Count = Field(4, description="windows of each validation video, spread evenly")


class OptimizerSettings(Settings):
    learning_rate: Positive = 1e-4
    weight_decay: NotNegative = Field(1e-2, description="not applied to biases and normalisation layers")
    clip_norm: Positive | None = Field(1.0, description="largest norm of all gradients together; null: no bound")
    accumulate: Count = Field(1, description="batches whose gradients are added up to one step")


class ScheduleSettings(Settings):
    kind: Literal["cosine", "plateau", "step", "constant"] = Field(
        "cosine", description="CosineAnnealingWarmRestarts, ReduceLROnPlateau, StepLR, or none; moved on once an epoch"
    )
    period: Count = Field(10, description="`cosine`: epochs to the first restart; `step`: epochs between two steps")
    lengthen: Count = Field(2, description="`cosine`: how many times longer each period is than the one before")
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="`plateau`, `step`: the rate is multiplied by it"
    )
    patience: Annotated[int, Field(ge=0)] = Field(2, description="`plateau`: epochs without a better AUC")


class LossSettings(Settings):
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.05
    video: NotNegative = Field(0.1, description="weight of the video-only head's loss")
    audio: NotNegative = Field(0.1, description="weight of the audio-only head's loss")
    lip_sync: NotNegative = Field(0.1, description="weight of the lip-sync loss, where it is known whether lips agree")
    head_pose: NotNegative = Field(0.1, description="weight of the head-pose loss, of models with that head")


class AdversarialSettings(Settings):
    share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="of each batch, whose pixels are attacked before it is learnt; 0: none"
    )
    epsilon: Positive = Field(8.0, description="the largest change of a pixel's value, which is 0 to 255")
    steps: Count = Field(1, description="1: FGSM; more: PGD, which costs as many passes more")
    step: Positive = Field(2.55, description="PGD: how far one step goes")


class StopSettings(Settings):
    epochs: Count = 30
    patience: Count | None = Field(5, description="epochs without a better validation AUC; null: never stop early")


class KeepSettings(Settings):
    folder: Path = Path("checkpoints")
    every_epochs: Count = Field(1, description="a periodic checkpoint after so many epochs")
    every_steps: Count | None = Field(None, description="refresh the latest checkpoint within an epoch, too")


class LogSettings(Settings):
    tensorboard: bool = True
    mlflow: bool = False
    wandb: bool = False


class TrainSettings(Settings):
    model: str | dict[str, Any] = Field(NAMED, description="a named model, a YAML file, or a configuration")
    pretrained: bool = Field(True, description="begin with the encoders' pretrained weights")
    seed: Annotated[int, Field(ge=0)] = 0
    batch_size: Count = Field(
        16, description="windows per step, over all processes together; a fake that is made of one comes on top"
    )
    num_workers: Annotated[int, Field(ge=0)] = Field(2, description="processes that read data; 0: the training process")
    device: str = Field("auto", description="auto, cpu, cuda, or one of several as cuda:1")
    amp: Annotated[Literal["off", "bf16", "fp16"], BeforeValidator(off_as_yaml_reads_it)] = Field(
        "off", description="mixed precision"
    )
    gradient_checkpointing: bool = Field(False, description="less memory for a third more arithmetic")
    fast_frozen: bool = Field(False, description="on a processor, run the frozen start of the backbone in OpenVINO")
    solve: bool = Field(
        False, description="where one linear layer is all that learns: solve for it on the windows of all epochs"
    )
    freeze_batch_norm: bool = Field(False, description="keep the statistics that the pretrained weights came with")
    ema: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        0.999, description="decay of the averaged weights; null: none"
    )
    data: DataSettings = DataSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    loss: LossSettings = LossSettings()
    adversarial: AdversarialSettings = AdversarialSettings()
    stop: StopSettings = StopSettings()
    keep: KeepSettings = KeepSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _batches_divide(self) -> Self:
        if self.batch_size % self.optimizer.accumulate:
            raise ValueError("batch_size must be a multiple of optimizer.accumulate")
        return self

    @model_validator(mode="after")
    def _model_is_there_and_gets_what_its_losses_need(self) -> Self:
        model = self.model_settings()
        if model.enable_video and model.fusion.temporal_consistency_loss.enabled and self.data.frames == 1:
            raise ValueError(
                "fusion.temporal_consistency_loss compares frames, and data.frames is 1: take more, or switch it off"
            )
        return self

    def model_settings(self) -> ModelConfig:
        return load_config(self.model) if isinstance(self.model, str) else ModelConfig.model_validate(self.model)


def load_settings(path: Path | None = None, **changes: Any) -> TrainSettings:
    """A YAML file, or the defaults; then the changes, where a dotted name reaches into a section."""
    return TrainSettings.model_validate(changed(read_yaml(path) if path else {}, changes))


def changed(plain: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A model is named before it is written out, and written out before something in it is changed."""
    for name in sorted(changes, key=lambda name: name.count(".")):
        *sections, field = name.split(".")
        if sections[:1] == ["model"]:
            plain["model"] = written_out(plain.get("model", NAMED))
        place = plain
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigInvalid(f"{name} cannot be set: {section} is {place!r}, with no settings in it")
        place[field] = changes[name]
    return plain


def written_out(model: Any) -> Any:
    return load_config(model).model_dump(mode="json") if isinstance(model, str) else model
