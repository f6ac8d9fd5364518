"""Inside, results point to storage; outside, they carry links that work for a while and then no more."""

from __future__ import annotations

from functions.core.contracts import JobView
from functions.core.files import FileStore


def signed(view: JobView, files: FileStore, seconds: int) -> JobView:
    """The same view with every storage location turned into a presigned link."""

    def link(location: str | None) -> str | None:
        return files.link(location, seconds) if location else None

    if view.prediction is None:
        return view
    frames = [
        frame.model_copy(update={"saliency_url": link(frame.saliency_url)})
        for frame in view.prediction.anomalous_frames
    ]
    links = {"anomalous_frames": frames, "frame_confidences_url": link(view.prediction.frame_confidences_url)}
    return view.model_copy(update={"prediction": view.prediction.model_copy(update=links)})
