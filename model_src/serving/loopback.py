"""A server on this machine alone answers its own pages and programs: no web page of elsewhere may speak to it.

Whatever a browser shows may send requests to 127.0.0.1, and read the answers where a server allows every origin, or
where its own name was pointed at this machine (DNS rebinding). The browser itself tells who asks: the name that was
asked for (Host), the page's origin, and for what carries no origin (pictures, links) the site it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

Application = Any  # an ASGI application: awaited with scope, receive and send

REFUSAL = (
    b"This server answers programs and pages of this machine alone. A proxy before it has to ask for it as 127.0.0.1.\n"
)


def guarded(application: Application, bound_to: str) -> Application:
    """The application as it may be served at this address; one that others are meant to reach stays as it is."""
    return own_pages_alone(application) if is_here(bound_to) else application


def own_pages_alone(application: Application) -> Application:
    async def guard(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or not is_foreign(scope["headers"]):
            await application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
        else:
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(REFUSAL)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})

    return guard


def is_foreign(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    told = {name.lower(): value.decode("latin-1") for name, value in headers}
    if not is_here(name_in("//" + told.get(b"host", ""))):
        return True
    if b"origin" in told:  # "null", too, is what a page of elsewhere may send
        return not is_here(name_in(told[b"origin"]))
    if told.get(b"sec-fetch-site") == "cross-site":  # two names of this machine are two sites: the page's name decides
        return not is_here(name_in(told.get(b"referer", "")))
    return False


def name_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_here(name: str) -> bool:
    """Does this name or address stand for this machine, wherever it is asked?"""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name.lower().removesuffix(".") == "localhost"
