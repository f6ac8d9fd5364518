"""A whole run from its settings: data, model, trainer, journal."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_src.data.augment.augment import CHANNEL, Augment, weathered
from model_src.data.choose import of_sources, of_split
from model_src.data.dataset import NothingToLearnFrom, WindowDataset
from model_src.data.extract import store_beside, usable
from model_src.data.fakes.gallery import gather
from model_src.data.fakes.make import SelfMadeFakes
from model_src.data.identities import count_of, group_names, refuse_leaks, refuse_same_files
from model_src.data.source import OnTheFly, Preextracted, Source
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.models import MultimodalModel, build
from model_src.models.checkpoint import LATEST_NAME, best_checkpoint_name
from model_src.training.commit import git_commit
from model_src.training.going_on import refuse_taken
from model_src.training.journal import Journal, Write
from model_src.training.processes import Team, join_team
from model_src.training.settings import DataSettings, TrainSettings
from model_src.training.solve import CannotSolve, solve
from model_src.training.trainer import Trainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    best_auc: float
    best: Path
    latest: Path
    epochs: int
    metrics: dict[str, float]


def train(
    settings: TrainSettings,
    videos: Sequence[Video],
    *,
    data_root: Path | None = None,
    resume: Path | None = None,
    listeners: Sequence[Write] = (),
) -> Outcome:
    """Train until the epochs or the patience are used up. SIGTERM saves the latest checkpoint and raises Stopped.

    Listeners hear every number that the journal writes down.
    """
    refuse_taken(settings.keep.folder, resume)
    refuse_leaks(videos)
    learn, check = datasets(settings, videos, data_root)
    with join_team(settings.device) as team:
        model = build(settings.model_settings(), pretrained=settings.pretrained and resume is None, seed=settings.seed)
        if settings.fast_frozen and settings.model_settings().enable_video and team.device.type == "cpu":
            run_frozen_in_openvino(model)
        if settings.solve:
            return solved(settings, model, learn, check, team, resume, listeners)
        trainer = Trainer(settings, model, learn, check, team)
        if resume is not None:
            trainer.resume(resume)
        with stopping_on_sigterm(trainer):
            if team.leads:
                with journal_of(settings, model, listeners) as journal:
                    position = trainer.fit(journal)
            else:
                position = trainer.fit()
        best = trainer.best if trainer.best.is_file() else trainer.latest  # without an epoch, nothing is the best
        return Outcome(position.best_auc, best, trainer.latest, position.epoch, trainer.metrics)


def solved(
    settings: TrainSettings,
    model: MultimodalModel,
    learn: WindowDataset,
    check: WindowDataset,
    team: Team,
    resume: Path | None,
    listeners: Sequence[Write],
) -> Outcome:
    if team.size > 1 or resume is not None:
        raise CannotSolve("solve: one process does it in one go, so there is nothing to share and nothing to resume")
    with journal_of(settings, model, listeners) as journal:
        found = solve(settings, model, learn, check, team.device)
        journal.write("solve", settings.stop.epochs, found)
    best, latest = (settings.keep.folder / name for name in (best_checkpoint_name(found["auc"]), LATEST_NAME))
    state = {"position": {"best_auc": found["auc"]}}  # which one is the best, as after any run
    for path in (best, latest):
        model.save_checkpoint(
            path, epoch=settings.stop.epochs, metrics=found, git_commit=git_commit(), training_state=state
        )
    return Outcome(found["auc"], best, latest, settings.stop.epochs, found)


def journal_of(settings: TrainSettings, model: MultimodalModel, listeners: Sequence[Write]) -> Journal:
    described = {"model": model.config.name, "seed": settings.seed, "batch_size": settings.batch_size}
    return Journal(settings.keep.folder, settings.log, described, listeners)


def datasets(
    settings: TrainSettings, videos: Sequence[Video], data_root: Path | None
) -> tuple[WindowDataset, WindowDataset]:
    """What is learnt and what it is checked on. Videos without windows are left out and counted."""
    data, source, kept = settings.data, source_of(settings, data_root), list(videos)
    if data.sources is not None:
        kept = of_sources(kept, data.sources)
    if isinstance(source, Preextracted):
        kept, missing = usable(kept, source.store)
        if missing:
            reasons = ", ".join(f"{reason} {count}" for reason, count in missing.most_common())
            logger.warning("%d of %d videos are left out: %s", missing.total(), len(videos), reasons)
        refuse_same_files(kept, source.store)
    logger.info("videos: %s", count_of(kept))
    if not kept:
        raise NothingToLearnFrom(f"None of the {len(videos)} videos has been extracted: run `aura extract` first.")
    learnt = of_split(kept, "train")
    learn = WindowDataset(
        learnt,
        source,
        sampling=data.sampling,
        windows_per_video=data.windows_per_video,
        start_at=data.start_at,
        seed=settings.seed,
        augment=augmentation(data) if data.augment else None,
        before=weathered if data.augment and data.self_made_fakes else None,
        make_fake=forger(data, learnt, source) if data.self_made_fakes else None,
        frames=data.frames,
    )
    unseen = of_split(kept, "val")
    check = WindowDataset(
        unseen,
        source,
        sampling="uniform",
        windows_per_video=data.validation_windows,
        seed=settings.seed,
        # Where no fake was ever found, the check is on self-made ones, too.
        make_fake=forger(data, unseen, source)
        if data.self_made_fakes and not any(video.label for video in unseen)
        else None,
        checks=True,
    )
    return learn, check


def augmentation(data: DataSettings) -> Augment:
    return Augment(sounds=CHANNEL) if data.self_made_fakes and data.fakes.get("copy_synthesis") else Augment()


def forger(data: DataSettings, videos: Sequence[Video], source: Source) -> SelfMadeFakes:
    gallery = gather(videos, source) if data.fakes.get("face_swap") else None
    return SelfMadeFakes(data.fakes, gallery, group_names(videos))


def run_frozen_in_openvino(model: MultimodalModel) -> None:
    from model_src.training.frozen_prefix import speed_up  # OpenVINO is not among what training needs

    if not speed_up(model.video_encoder):
        logger.warning("fast_frozen: this backbone has no frozen start that could be cut off")


def source_of(settings: TrainSettings, data_root: Path | None) -> Source:
    if settings.data.mode == "on_the_fly":
        return OnTheFly()
    if settings.data.extracted is not None:
        return Preextracted(Store(settings.data.extracted))
    if data_root is None:
        raise ValueError("where are the extracted videos? set data.extracted, or give a data root")
    return Preextracted(store_beside(data_root))


@contextmanager
def stopping_on_sigterm(trainer: Trainer) -> Iterator[None]:
    """A spot instance is told to go two minutes ahead."""
    before = signal.signal(signal.SIGTERM, lambda *_: trainer.request_stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
