"""Other ways than the verdict's mean to make one score of many windows; two of them are learnt, and kept on disk.

All answer in log-odds, so that 0 is the threshold of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model_src.verdict.aggregate import VideoScores

FIXED = ("mean", "max", "voting")
Learnt = Literal["attention", "lstm"]
LEARNT: tuple[Learnt, ...] = ("attention", "lstm")
FEATURES = 4  # fused, picture and sound log-odds, lip sync
HIDDEN = 16  # units of what is learnt
STEPS = 200  # of learning
SEED = 0
DOUBT = 0.5  # votes that nobody cast, for each side: no majority is infinitely sure


def fixed(scores: VideoScores, kind: str) -> float:
    logits = np.array([window.logit for window in scores.windows])
    if kind == "mean":
        return scores.logit
    if kind == "max":
        return float(logits.max())
    if kind == "voting":
        fake = float((logits > 0).sum())
        return float(np.log((fake + DOUBT) / (len(logits) - fake + DOUBT)))
    raise ValueError(f"no aggregation is called {kind!r}; there are {', '.join(FIXED + LEARNT)}")


def features(scores: VideoScores) -> Tensor:
    """Windows [W, 4]; what a window lacks is 0, which speaks for neither side."""

    def squash(logit: float | None) -> float:
        return 0.0 if logit is None else float(np.tanh(logit / 4) * 4)

    rows = [
        [squash(w.logit), squash(w.video_logit), squash(w.audio_logit), 0.0 if w.lip_sync is None else w.lip_sync - 0.5]
        for w in scores.windows
    ]
    return torch.tensor(rows)


class AttentionPool(nn.Module):
    """Weighs every window by what it looks like, then takes the mean of what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
        self.say = nn.Linear(FEATURES, 1)

    def forward(self, windows: Tensor, mask: Tensor) -> Tensor:
        """Windows [V, W, 4], mask [V, W] -> log-odds [V]."""
        weights = self.weigh(windows).squeeze(-1).masked_fill(~mask, -torch.inf).softmax(dim=1)  # [V, W]
        return (weights * self.say(windows).squeeze(-1)).sum(dim=1)


class LstmPool(nn.Module):
    """Reads the windows in the order of time, both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.LSTM(FEATURES, HIDDEN, batch_first=True, bidirectional=True)
        self.say = nn.Linear(2 * HIDDEN, 1)

    def forward(self, windows: Tensor, mask: Tensor) -> Tensor:
        """Windows [V, W, 4], mask [V, W] -> log-odds [V]."""
        packed = nn.utils.rnn.pack_padded_sequence(windows, mask.sum(dim=1).cpu(), True, enforce_sorted=False)
        _, (last, _) = self.read(packed)  # [2, V, hidden]
        return self.say(last.transpose(0, 1).flatten(1)).squeeze(-1)


def pad(videos: Sequence[VideoScores]) -> tuple[Tensor, Tensor]:
    rows = [features(scores) for scores in videos]
    windows = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # [V, W, 4]
    lengths = torch.tensor([len(row) for row in rows])
    return windows, torch.arange(windows.shape[1]) < lengths.unsqueeze(1)


POOLS: Mapping[Learnt, type[AttentionPool] | type[LstmPool]] = {"attention": AttentionPool, "lstm": LstmPool}


class About(BaseModel):
    """What a learnt aggregation was learnt from. It fits the scores of that one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Learnt
    model_version: str
    videos: int = Field(ge=1)
    seed: int


@dataclass(frozen=True)
class Aggregator:
    about: About
    pool: nn.Module

    @torch.no_grad()
    def logits(self, videos: Sequence[VideoScores]) -> list[float]:
        return [float(value) for value in self.pool(*pad(videos))]

    def save(self, folder: Path) -> Path:
        """`aggregator_KIND.safetensors`, and what it is beside it as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = folder / f"aggregator_{self.about.kind}.safetensors"
        save_file({name: value.contiguous() for name, value in self.pool.state_dict().items()}, weights)
        weights.with_suffix(".json").write_text(self.about.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return weights


class AggregatorInvalid(ValueError):
    """The file holds no aggregation, or that of another model."""


def learn(kind: Learnt, videos: Sequence[VideoScores], labels: Sequence[int]) -> Aggregator:
    """Fitted on videos the detector was not trained on, such as the validation set."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        pool: nn.Module = POOLS[kind]()
    windows, mask = pad(videos)
    target = torch.tensor(labels, dtype=torch.float32)
    optimizer = torch.optim.AdamW(pool.parameters(), lr=0.02, weight_decay=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(pool(windows, mask), target).backward()
        optimizer.step()
    about = About(kind=kind, model_version=videos[0].model_version, videos=len(videos), seed=SEED)
    return Aggregator(about, pool.eval())


def load(file: Path, model_version: str) -> Aggregator:
    """What `save` wrote, by the name of either file. One that was learnt from another model's scores is refused."""
    try:
        about = About.model_validate_json(file.with_suffix(".json").read_bytes())
        pool: nn.Module = POOLS[about.kind]()
        pool.load_state_dict(load_file(file.with_suffix(".safetensors")))
    except (OSError, ValidationError, SafetensorError, RuntimeError) as error:
        raise AggregatorInvalid(f"{file} is no aggregation that `aura evaluate --fit-on` saved: {error}") from error
    if about.model_version != model_version:
        raise AggregatorInvalid(
            f"{file} was learnt from the scores of {about.model_version}, not of {model_version}: "
            "learn it again with --fit-on"
        )
    return Aggregator(about, pool.eval())
