"""Every code that a video can be rejected with."""

from __future__ import annotations

from typing import get_args

from model_src.preprocess.errors import RejectionCode

REJECTION_CODES: tuple[str, ...] = get_args(RejectionCode)
