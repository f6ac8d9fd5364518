"""One picture as a chunk of one frame, so that it takes the same path as every video."""

from __future__ import annotations

from functools import cache
from threading import Lock

import cv2
import numpy as np

from model_src.preprocess.align import crop, find_transform
from model_src.preprocess.chunk import Chunk
from model_src.preprocess.errors import ImageRejected
from model_src.preprocess.faces import Face, FaceDetector, Image, make_detector, one_face
from model_src.preprocess.picture import REDUCED_SIDE

MIN_CONFIDENCE = 0.95  # of the face detector, as for the frames of a video
MIN_SIDE = 64

REASONS = {
    "no_face": "There is no face in the picture.",
    "low_confidence": "There is no face in the picture that is clear enough.",
    "multiple_faces": "There is more than one face in the picture; send one with a single face.",
    "alignment_failed": "The face in the picture is too small or turned too far to the side.",
}


def chunk_of_image(data: bytes) -> Chunk:
    """The face of the picture, aligned, as the one frame of the one window of a silent video."""
    image = decode(data)
    face = find_face(image)
    transform = find_transform(face.points, image.shape[:2])
    if transform is None:
        raise ImageRejected("no_face", REASONS["alignment_failed"])
    return Chunk(
        index=0,
        frame_rate=1.0,
        frame_size=(image.shape[0], image.shape[1]),
        start=0.0,
        end=1.0,
        crops=crop(image, transform)[None],  # [1, 224, 224, 3]
        frame_ids=np.zeros(1, np.int32),
        timestamps=np.zeros(1),
        boxes=face.box[None].astype(np.float32),
        points=face.points[None].astype(np.float32),
        transforms=transform[None],
        audio=np.zeros(0, np.int16),
        voice=np.zeros(0, np.bool_),
        window_starts=np.zeros(1),
        window_frames=np.zeros((1, 1), np.int32),
        window_partial=np.zeros(1, np.bool_),
        window_indices=np.zeros(1, np.int32),
    )


def decode(data: bytes) -> Image:
    """[H, W, 3] RGB, upright. OpenCV refuses by itself what would unpack to more than `picture_limit` allows."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if is_picture(data) else None
    except cv2.error:
        image = None
    if image is None:
        raise ImageRejected("not_an_image", "The body is no picture that can be read: send a JPEG, PNG or WebP file.")
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ImageRejected(
            "resolution_out_of_range", f"The picture has {width}x{height} pixels: too small for a face."
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def is_picture(data: bytes) -> bool:
    """By its first bytes a JPEG, PNG or WebP file. OpenCV by itself would try a dozen other readers as well."""
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")


def find_face(image: Image) -> Face:
    """The only face, found in a reduced picture and measured in the full one."""
    factor = max(max(image.shape[:2]) / REDUCED_SIDE, 1.0)
    size = (round(image.shape[1] / factor), round(image.shape[0] / factor))
    reduced = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if factor > 1 else image
    with ONE_AT_A_TIME:
        found = one_face(detector().detect(reduced), MIN_CONFIDENCE)
        if isinstance(found, str):
            raise ImageRejected("multiple_faces" if found == "multiple_faces" else "no_face", REASONS[found])
        return detector().settle(image, found.scaled(factor))


@cache
def detector() -> FaceDetector:
    return make_detector("mtcnn")


ONE_AT_A_TIME = Lock()  # the detector's networks are not for two threads at once
