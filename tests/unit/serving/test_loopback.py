"""A server that listens on this machine alone is not spoken to by web pages of elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn

from model_src.serving import server
from model_src.serving.loopback import guarded, own_pages_alone

Headers = dict[str, str]


async def application(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    await send({"type": "answered", "what": scope["type"]})


def asked(headers: Headers, kind: str = "http") -> list[dict[str, Any]]:
    """What the server says to a request with these headers."""
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(own_pages_alone(application)({"type": kind, "headers": raw}, receive, send))
    return said


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "127.0.0.1:8080"},
        {"Host": "LOCALHOST"},
        {"Host": "localhost.:1"},
        {"Host": "127.0.0.2:1"},
        {"Host": "localhost:1", "Origin": "http://127.0.0.1:3000"},
        {"Host": "localhost:1", "Origin": "http://[::1]:3000"},
        {"Host": "127.0.0.1:1", "Sec-Fetch-Site": "same-origin"},
        {"Host": "127.0.0.1:1", "Sec-Fetch-Site": "cross-site", "Referer": "http://localhost:3000/page"},
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_this_machine_is_answered(headers: Headers, kind: str) -> None:
    assert asked(headers, kind) == [{"type": "answered", "what": kind}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1@evil.example"},
        {"Host": "[127.0.0.1"},
        {"Host": "127.0.0.1:1", "Origin": "https://evil.example"},
        {"Host": "127.0.0.1:1", "Origin": "http://localhost.evil.example"},
        {"Host": "127.0.0.1:1", "Origin": "null"},
        {"Host": "127.0.0.1:1", "Origin": ""},
        {"Host": "127.0.0.1:1", "Sec-Fetch-Site": "cross-site"},
        {"Host": "127.0.0.1:1", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/?http://localhost"},
    ],
)
def test_elsewhere_is_not(headers: Headers) -> None:
    assert [message.get("status") for message in asked(headers)] == [403, None]
    assert asked(headers, "websocket") == [{"type": "websocket.close", "code": 1008}]


def test_starting_and_stopping_is_nobodys_request() -> None:
    async def told() -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await own_pages_alone(application)({"type": "lifespan"}, None, send)
        return said

    assert asyncio.run(told()) == [{"type": "answered", "what": "lifespan"}]


def test_one_that_others_are_meant_to_reach_answers_under_every_name() -> None:
    assert guarded(application, "0.0.0.0") is application  # noqa: S104 - the container's own address
    assert all(guarded(application, here) is not application for here in ("127.0.0.1", "127.0.0.2", "::1", "Localhost"))


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 403), ("0.0.0.0", 404)])  # noqa: S104
def test_the_inference_server_is_guarded_where_it_listens_on_this_machine_alone(
    host: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda application, **_: served.append(application))
    monkeypatch.setattr(server, "adopt_uvicorn", lambda: None)
    source: Any = None  # nothing is loaded before the server runs
    server.serve(source, server.ServerSettings(host=host))
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    headers = [(b"host", b"127.0.0.1:1"), (b"origin", b"https://evil.example"), (b"content-type", b"text/plain")]
    scope = {"type": "http", "method": "POST", "path": "/nothing", "headers": headers, "query_string": b""}
    asyncio.run(served[0](scope, receive, send))
    assert said[0]["status"] == status
