"""What stops a run and can be put right by whoever started it: each says itself what is wrong and what to do."""

from __future__ import annotations

from model_src.config.load import ConfigInvalid
from model_src.data.dataset import NothingToLearnFrom
from model_src.data.identities import IdentityLeak
from model_src.data.manifest import ManifestInvalid
from model_src.models import MissingWeightsError
from model_src.models.checkpoint import CheckpointUnreadable
from model_src.models.device import NoSuchDevice
from model_src.training.going_on import CannotResume, FolderTaken
from model_src.training.journal import TrackerMissing
from model_src.training.position import Diverged
from model_src.training.solve import CannotSolve

FORESEEN = (
    CannotResume,
    CannotSolve,
    CheckpointUnreadable,
    ConfigInvalid,
    Diverged,
    FolderTaken,
    IdentityLeak,
    ManifestInvalid,
    MissingWeightsError,
    NoSuchDevice,
    NothingToLearnFrom,
    TrackerMissing,
)
