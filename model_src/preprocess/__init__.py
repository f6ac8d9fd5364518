"""From a video file to aligned faces, sound and windows: everything before the network, and never torch."""

from model_src.preprocess.picture_limit import bound_pictures

bound_pictures()  # here, since OpenCV reads it when it is loaded: before any step that does
