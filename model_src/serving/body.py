"""Reads a request's body within bounds of size and time."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from model_src.serving.problem import Problem

SECONDS = 60  # a body that takes longer holds a place others could use


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. One that is too large is read to its end and thrown away, so that the sender hears our answer."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                else:
                    parts.clear()
    except TimeoutError:
        raise Problem(408, "body_timeout", f"The body did not arrive within {SECONDS} seconds.") from None
    except ClientDisconnect:
        raise Problem(400, "client_disconnected", "The client hung up before its body was complete.") from None
    if size > limit:
        raise Problem(413, "too_large", f"The body has {size} bytes; at most {limit} are taken.")
    return b"".join(parts)
