"""One training job, in the order in which it happens: read the order, extract, learn, deliver."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_src.data.extract import extract_all, store_beside
from model_src.data.store import Store
from model_src.data.video import Video
from model_src.models.checkpoint import LATEST_NAME
from model_src.training.run import train
from model_src.training.settings import TrainSettings
from model_src.training_job.channels import Channels, find_channels
from model_src.training_job.cluster import Cluster, read_cluster
from model_src.training_job.hyperparameters import settings_of
from model_src.training_job.metric_lines import say
from model_src.training_job.places import Places

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    places: Places
    settings: TrainSettings
    cluster: Cluster
    videos: list[Video]
    weights: dict[str, str]  # the variables that say where pretrained encoders lie
    name: str | None  # what SageMaker calls the job
    in_service: Path | None  # archive of the model that the new one would replace

    @property
    def store(self) -> Store | None:
        """None where windows are cut from the videos on the fly."""
        return None if self.settings.data.extracted is None else Store(self.settings.data.extracted)


def read_job(root: Path, environment: Mapping[str, str]) -> Job:
    places = Places(root)
    places.refuse_unwritable(places.checkpoints, places.model, places.report)
    settings, cluster = settings_of(places), read_cluster(places, environment)
    channels = find_channels(places, environment, len(cluster.hosts))
    if settings.data.mode == "preextracted":
        data = settings.data.model_copy(update={"extracted": store_of(channels, places)})
        settings = settings.model_copy(update={"data": data})
    name, weights = environment.get("TRAINING_JOB_NAME"), channels.weight_variables()
    return Job(places, settings, cluster, channels.load_videos(), weights, name, channels.archive_in_service())


def store_of(channels: Channels, places: Places) -> Path:
    """The extracted videos: a channel of their own, or beside the videos, or else what this job extracts itself."""
    if channels.extracted is not None:
        return channels.extracted
    beside = store_beside(channels.videos).root
    return beside if beside.is_dir() else places.extracted


def extract(job: Job) -> None:
    """Videos that came as they are: cut once on this host, before the first epoch."""
    if job.store is None or job.store.root != job.places.extracted:
        return
    job.places.refuse_unwritable(job.store.root)
    logger.info("extracting %d videos; `aura extract` beforehand spares every job this", len(job.videos))
    for tally in extract_all(job.videos, job.store, workers=os.cpu_count() or 1):
        number = tally.usable + tally.rejected.total()
        if number % 100 == 0 or number == len(job.videos):
            logger.info("extracted %d of %d", number, len(job.videos))


def learn(job: Job) -> None:
    """Train, going on from the latest checkpoint where there is one. SIGTERM saves and raises Stopped."""
    latest = job.places.checkpoints / LATEST_NAME
    if job.settings.solve and latest.is_file():
        logger.info("solved already: %s", latest)
        return
    resume = latest if latest.is_file() else None
    logger.info("going on from %s" if resume else "no checkpoint in %s: a new run", latest)
    os.environ.update(job.weights)
    train(job.settings, job.videos, resume=resume, listeners=[say])
