"""What is each part worth? The variants in which one part of the model or of its training is left out or replaced."""

from __future__ import annotations

from collections.abc import Sequence

from model_src.studies.variant import StudyInvalid, Variant
from model_src.training.settings import TrainSettings

TEMPORAL = {
    "conv": "convolution along time",
    "avg_pool": "plain mean along time",
    "transformer": "attention along time",
}
FUSION = {
    "cross_modal": "cross-modal fusion",
    "attention": "one-query fusion",
    "concat": "side-by-side fusion",
    "either": "either of two heads",
}
PARTS = {  # of the command line -> the switch
    "lip-sync": "model.lip_sync.enabled",
    "frequency": "model.video.frequency_branch",
    "spatial-attention": "model.video.spatial_attention",
    "temporal-loss": "model.fusion.temporal_consistency_loss.enabled",
    "augmentation": "data.augment",
}
COMPONENTS = ("modality", "temporal", "fusion", *PARTS)


def possible(base: TrainSettings, variants: Sequence[Variant]) -> tuple[list[Variant], list[str]]:
    """The variants that this base has room for, and what is to be said of the others."""
    kept, remarks = [], []
    for variant in variants:
        try:
            variant.planned(base)
            kept.append(variant)
        except StudyInvalid as reason:
            remarks.append(f"Left out: {reason}.")
    return kept, remarks


def ablation(base: TrainSettings, components: Sequence[str] = COMPONENTS) -> list[Variant]:
    """One variant for each thing that can be otherwise; what the baseline lacks is added instead of left out."""
    unknown = sorted(set(components) - set(COMPONENTS))
    if unknown:
        raise StudyInvalid(f"no component is called {', '.join(unknown)}; there are {', '.join(COMPONENTS)}")
    model = base.model_settings()
    if not model.multimodal:
        raise StudyInvalid(f"{model.name} has one sense alone: an ablation begins with a model of picture and sound")
    variants = {
        "modality": [
            Variant("picture alone", {"model.enable_audio": False}),
            Variant("sound alone", {"model.enable_video": False}),
        ],
        "temporal": [
            Variant(name, {"model.temporal.kind": kind})
            for kind, name in TEMPORAL.items()
            if kind != model.temporal.kind
        ],
        "fusion": [
            Variant(name, {"model.fusion.kind": kind}) for kind, name in FUSION.items() if kind != model.fusion.kind
        ],
    }
    here = {
        "lip-sync": model.lip_sync.enabled,
        "frequency": model.video.frequency_branch,
        "spatial-attention": model.video.spatial_attention,
        "temporal-loss": model.fusion.temporal_consistency_loss.enabled,
        "augmentation": base.data.augment,
    }
    for part, setting in PARTS.items():
        name = f"{'without' if here[part] else 'with'} {part.replace('-', ' ')}"
        variants[part] = [Variant(name, {setting: not here[part]})]
    return [variant for component in COMPONENTS if component in components for variant in variants[component]]
