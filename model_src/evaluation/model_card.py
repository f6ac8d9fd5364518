"""The model card: what a model learnt from, how, how good it is, and what must not be expected of it. In Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from model_src.config import ModelConfig
from model_src.data.identities import groups
from model_src.data.video import SPLITS, Video
from model_src.evaluation.difference import in_words
from model_src.evaluation.report import SHOWN
from model_src.training.settings import TrainSettings
from model_src.verdict.review import REJECT_BELOW
from model_src.verdict.scores import Calibration

NAME = "model_card.md"
FEW_PEOPLE = 100
HEADLINE = ("auc", "ap", "accuracy", "f1", "eer", "tpr_at_1_fpr", "tpr_at_5_fpr", "fpr_at_95_tpr")
# Where a run was made says nothing about the model.
NOT_THE_RECIPE: Any = {"model": True, "device": True, "num_workers": True, "keep": True, "log": True}


@dataclass(frozen=True)
class Facts:
    """All that a card is written from; what is not known is left out of it, or named as not known."""

    model_version: str
    config: ModelConfig
    videos: Sequence[Video]  # of every split
    calibration: Calibration
    commit: str | None = None
    settings: TrainSettings | None = None
    epoch: int | None = None  # of the run, in which these weights were the best
    training_metrics: Mapping[str, float] = field(default_factory=dict)
    results: Mapping[str, Any] | None = None  # as evaluate() gives them; None: there was nothing to judge it on
    judged_on: str = "test"


def model_card(facts: Facts) -> str:
    sections = {
        "Purpose": purpose(facts),
        "Data": data(facts),
        "Recipe": recipe(facts),
        "How good it is": metrics(facts),
        "Calibration": calibration(facts),
        "Known limits": bullets(limits(facts)),
    }
    parts = [f"# {facts.model_version}", *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts)


def purpose(facts: Facts) -> str:
    config = facts.config
    senses = [f"pictures ({config.video.backbone})"] if config.enable_video else []
    senses += [f"sound ({config.audio.checkpoint or 'wav2vec2, learnt from scratch'})"] if config.enable_audio else []
    return (
        f"Tells whether a video of a talking face is real or fake, from {' and '.join(senses)}: one second at a time, "
        "with a probability for the whole video. It supports a person's judgement and does not replace it.\n\n"
        f"Made by code version `{facts.commit or 'unknown'}`."
    )


def data(facts: Facts) -> str:
    rows = []
    for source in sorted({video.source for video in facts.videos}):
        for split in SPLITS:
            chosen = [video for video in facts.videos if (video.source, video.split) == (source, split)]
            if chosen:
                reals, methods = real(chosen), sorted({v.method or "unknown" for v in chosen if v.label})
                rows.append((source, split, reals, len(chosen) - reals, people(chosen), ", ".join(methods) or "none"))
    text = table(("source", "split", "real", "fake", "unrelated groups of people", "ways of faking"), rows)
    if facts.settings is not None and facts.settings.data.self_made_fakes:
        text += "\n\nWhile learning, every real window stood beside a fake made of it on the spot."
    return text


def recipe(facts: Facts) -> str:
    lines = []
    if facts.epoch is not None:
        auc = facts.training_metrics.get("auc")
        lines.append(
            f"The weights are those after epoch {facts.epoch}, the best on the validation windows"
            + (f" (AUC per video {auc:.4f})." if auc is not None else ".")
        )
    if facts.settings is None:
        lines.append("The settings of the run are not known.")
    else:
        chosen = facts.settings.model_dump(mode="json", exclude=NOT_THE_RECIPE)
        chosen["data"].pop("extracted")
        lines.append(f"```yaml\n{yaml.safe_dump(chosen, sort_keys=False).strip()}\n```")
    return "\n\n".join(lines)


def metrics(facts: Facts) -> str:
    if facts.results is None:
        return "Not known: there were no real and fake videos to judge it on."
    found, videos = facts.results, facts.results["videos"]
    left_out = sum(found["left_out"].values())
    parts = [
        f"On {videos['scored']} {facts.judged_on} videos ({videos['real']} real, {videos['fake']} fake) of "
        f"{found['identities']} unrelated groups of people"
        + (f"; {left_out} more could not be scored" if left_out else "")
        + ". In brackets: 95 % intervals, bootstrapped over those groups.",
        table(("metric", "value"), [(SHOWN[name], number(found["video"]["mean"][name])) for name in HEADLINE]),
    ]
    if found.get("in_service"):
        parts.append(in_words(found["in_service"]))
    for title, rows in (("source", found["by_source"]), ("way of faking, against all reals", found["by_method"])):
        known = [(name, number(m["auc"]), number(m["eer"])) for name, m in rows.items() if m is not None]
        if known:
            parts.append(table((title, SHOWN["auc"], SHOWN["eer"]), known))
    return "\n\n".join(parts)


def calibration(facts: Facts) -> str:
    used = facts.calibration
    if used.method == "identity":
        return "None: the probabilities are the network's own and should not be taken at their word."
    text = f"By {used.method}: p = sigmoid({used.scale:.4g} · logit {used.bias:+.4g})."
    if facts.results is None:
        return text
    trust = facts.results["calibration"]
    risk = "none is answered" if trust["risk"] is None else f"{trust['risk']:.1%} of those answers are wrong"
    return (
        f"{text} The expected calibration error is {trust['ece_after']:.4f} (without: {trust['ece_before']:.4f}). "
        f"Answering only from {REJECT_BELOW:.0%} on, {trust['coverage']:.1%} of the videos get an answer; {risk}."
    )


def limits(facts: Facts) -> list[str]:
    known = []
    learnt = [video for video in facts.videos if video.split == "train"]
    sources = sorted({video.source for video in learnt})
    if len(sources) == 1:
        known.append(f"It learnt from one source alone ({sources[0]}): other cameras, codecs and forgers are unproven.")
    if facts.results is not None and facts.judged_on == "val":
        known.append(
            "It was judged on the validation videos, which also chose its epoch and fitted its calibration: expect "
            "less of it on others."
        )
    if facts.results is not None and facts.results["identities"] < FEW_PEOPLE:
        known.append(f"It was judged on few people ({facts.results['identities']} groups): the figures are rough.")
    if not facts.config.enable_audio:
        known.append("It is deaf: a forged voice under a real picture passes.")
    if not facts.config.enable_video:
        known.append("It is blind: a forged picture over a real voice passes.")
    return [
        *known,
        "It expects one face in view, 240p to 1080p, and a second of video at least; strong compression hides traces.",
        "Ways of faking that came after its data may look real to it.",
        "How well it does by age, skin, sex or language is not measured: the data does not tell.",
    ]


def real(videos: Sequence[Video]) -> int:
    return sum(video.label == 0 for video in videos)


def people(videos: Sequence[Video]) -> int:
    return len(groups(videos))


def number(metric: Mapping[str, Any]) -> str:
    value, interval = metric["value"], metric["interval"]
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    align = ["---:" if all(row[at][:1].isdigit() for row in cells) else "---" for at in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, align, *cells))


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
