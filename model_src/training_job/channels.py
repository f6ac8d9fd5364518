"""Where the data of a job lies: one channel with the videos, and three that may be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_src.data.find import load_videos
from model_src.data.video import Video
from model_src.models.weights import AUDIO_WEIGHTS, VIDEO_WEIGHTS
from model_src.training_job.places import JobInvalid, Places

VIDEOS = "training"  # a data root: split/video_id/video.mp4 and meta.json, an official layout, or a manifest
EXTRACTED = "extracted"  # what `aura extract` wrote of these videos
WEIGHTS = "weights"  # pretrained encoders: video.safetensors or video.pth, and audio/ as transformers saves it
IN_SERVICE = "in_service"  # model.tar.gz of the model that the new one would replace
MANIFESTS = ("manifest.json", "manifest.csv")


@dataclass(frozen=True)
class Channels:
    videos: Path
    extracted: Path | None
    weights: Path | None
    in_service: Path | None

    def load_videos(self) -> list[Video]:
        manifest = next((path for name in MANIFESTS if (path := self.videos / name).is_file()), None)
        return load_videos(self.videos, manifest)

    def archive_in_service(self) -> Path | None:
        """Of several the first: the channel holds all whose address begins like that of the one that was meant."""
        return None if self.in_service is None else min(self.in_service.rglob("*model.tar.gz"), default=None)

    def weight_variables(self) -> dict[str, str]:
        """What tells the model builder where pretrained encoders are: a job without network has no hub."""
        if self.weights is None:
            return {}
        named = {
            VIDEO_WEIGHTS: [self.weights / "video.safetensors", self.weights / "video.pth"],
            AUDIO_WEIGHTS: [self.weights / "audio"],
        }
        found = {name: str(path) for name, paths in named.items() for path in paths if path.exists()}
        if not found:
            raise JobInvalid(f"The channel {WEIGHTS!r} holds neither video.safetensors, video.pth nor audio/.")
        return found


def find_channels(places: Places, environment: Mapping[str, str], hosts: int = 1) -> Channels:
    videos = folder_of(VIDEOS, places, environment, hosts)
    if videos is None:
        raise JobInvalid(f"The job has no channel {VIDEOS!r}: add one with the S3 address of the videos.")
    extracted, weights, in_service = (
        folder_of(name, places, environment, hosts) for name in (EXTRACTED, WEIGHTS, IN_SERVICE)
    )
    return Channels(videos, extracted, weights, in_service)


def folder_of(name: str, places: Places, environment: Mapping[str, str], hosts: int) -> Path | None:
    """None where the job has no such channel."""
    described = places.told("inputdataconfig").get(name)
    said = environment.get(f"SM_CHANNEL_{name.upper()}")
    if described is None and said is None:
        return None
    described = described or {}
    if described.get("TrainingInputMode") == "Pipe":
        raise JobInvalid(f"The channel {name!r} is a pipe; videos are read in any order: choose File or FastFile.")
    if hosts > 1 and described.get("S3DistributionType") == "ShardedByS3Key":
        raise JobInvalid(f"The channel {name!r} is dealt out over {hosts} hosts; each needs all: use FullyReplicated.")
    folder = Path(said) if said else places.channel(name)
    if not folder.is_dir() or not any(folder.iterdir()):
        raise JobInvalid(f"The channel {name!r} is empty: nothing lies in {folder}. Is its S3 address right?")
    return folder
