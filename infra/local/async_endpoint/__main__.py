"""`python -m infra.local.async_endpoint`: run the local asynchronous endpoint until SIGTERM."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import uvicorn

from infra.local.async_endpoint.app import create_app
from infra.local.async_endpoint.settings import Location, Settings
from model_src.serving.loopback import guarded


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.local.async_endpoint", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--endpoint-name", required=True)
    parser.add_argument("--inference-url", required=True, help="base URL of the inference server")
    parser.add_argument("--s3-endpoint", required=True)
    parser.add_argument("--sns-endpoint", required=True)
    parser.add_argument("--success-topic", required=True, help="ARN")
    parser.add_argument("--error-topic", required=True, help="ARN")
    parser.add_argument("--output", required=True, type=Location.parse, help="s3://bucket/prefix of the results")
    parser.add_argument("--failure", required=True, type=Location.parse, help="s3://bucket/prefix of the failures")
    parser.add_argument("--state-dir", required=True, type=Path, help="keeps accepted requests over a restart")
    parser.add_argument("--concurrency", type=int, default=1, help="requests sent to the model at a time")
    options = vars(parser.parse_args())
    host, port = options.pop("host"), options.pop("port")

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line per request to the model says nothing new
    uvicorn.run(
        guarded(create_app(Settings(**options)), host), host=host, port=port, log_config=None, access_log=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip


if __name__ == "__main__":
    main()
