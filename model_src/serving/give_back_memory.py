"""Memory that is free inside the process goes back to the system."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory() -> None:
    """After a model was taken apart: glibc keeps freed weights as long as anything small lies above them."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)
