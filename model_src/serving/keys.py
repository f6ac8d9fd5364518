"""Who may ask for a picture or a whole video: whoever knows the key. Chunks come through SageMaker, with its own."""

from __future__ import annotations

import hashlib
import hmac
import os

from fastapi import Request

from model_src.serving.problem import Problem

HEADER = "x-api-key"


def require_key(request: Request, expected: str | None) -> None:
    """Without a key on the server nobody gets in. Every wrong key takes the same time, whatever it shares with ours."""
    given = request.headers.get(HEADER)
    if given is None:
        raise Problem(401, "unauthorized", "Send the API key in the header X-API-Key.")
    if not expected:
        raise Problem(401, "unauthorized", "This server has no API key: start it with AURA_API_KEY set.")
    # Each as the bytes it came as: HTTP takes those of a header for Latin-1, the environment knows them as UTF-8.
    if not hmac.compare_digest(digest(given.encode("latin-1")), digest(os.fsencode(expected))):
        raise Problem(401, "unauthorized", "The API key is not the right one.")


def digest(key: bytes) -> bytes:
    """Of one length whatever the key: comparing must not tell how long ours is."""
    return hashlib.sha256(key).digest()
