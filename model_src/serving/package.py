"""From a model to `model.tar.gz` and back: weights, graphs, calibration, and the manifest that vouches for them."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from model_src.models import Ensemble, MultimodalModel
from model_src.models.ensemble import members_of
from model_src.serving.errors import ModelUnavailable
from model_src.serving.graphs import export_graphs
from model_src.serving.manifest import MANIFEST, Manifest, read_verified, write_model_directory
from model_src.serving.measure import measure_backends
from model_src.serving.plan import Plan
from model_src.verdict.scores import Calibration

COMPRESSION = 1  # of gzip: weights hardly get smaller, however long one tries


def package_model(
    folder: Path,
    model: MultimodalModel | Ensemble,
    *,
    model_version: str,
    trained: bool,
    calibration: Calibration,
    papers: Sequence[str] = (),
) -> Manifest:
    """Fill the folder with all that serving needs. Nothing in it is code; `papers` lie in it already."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval().requires_grad_(False)
    graphs: list[str] = []
    plans: list[Plan] = []
    for place, member in enumerate(members_of(model), start=1):
        graphs += export_graphs(member, folder, place)
        plans.append(measure_backends(member, folder, place))
    return write_model_directory(
        folder,
        model,
        model_version=model_version,
        trained=trained,
        calibration=calibration,
        beside=(*graphs, *papers),
        plans=plans,
    )


def write_archive(
    path: Path, model: MultimodalModel | Ensemble, *, model_version: str, trained: bool, calibration: Calibration
) -> Manifest:
    """The same as one archive, every file at its root; there all at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".package-") as temporary:
        folder, archive = Path(temporary) / "model", Path(temporary) / path.name
        manifest = package_model(folder, model, model_version=model_version, trained=trained, calibration=calibration)
        with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION) as tar:
            for name in (MANIFEST, *sorted(manifest.files)):
                tar.add(folder / name, arcname=name, filter=anonymous)
        archive.replace(path)
    return manifest


def read_archive(archive: Path, folder: Path) -> Manifest:
    """Unpacked into the folder, and every file proved to be the one that was packaged."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ModelUnavailable(f"{archive.name} cannot be unpacked: {error}.") from error
    return read_verified(folder)


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever packs it, the archive's files belong to nobody in particular."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
