"""The endpoint's HTTP face: what boto3's `sagemaker-runtime` client speaks to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from infra.local.async_endpoint.aws import Aws
from infra.local.async_endpoint.invocation import InvalidCall, from_headers
from infra.local.async_endpoint.journal import Journal
from infra.local.async_endpoint.model_client import ModelClient
from infra.local.async_endpoint.settings import Settings
from infra.local.async_endpoint.worker import Worker

# The invocation's own timeout bounds the wait for an answer; here only the reaching of the server is bounded.
HTTP_TIMEOUT = httpx.Timeout(None, connect=5)


def create_app(settings: Settings) -> FastAPI:
    journal = Journal(settings.state_dir / "invocations")
    http = httpx.AsyncClient(timeout=HTTP_TIMEOUT, trust_env=False)
    worker = Worker(settings, journal, Aws(settings), ModelClient(http, settings.inference_url))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(worker.work())
        yield
        work.cancel()  # what is under way stays in the journal and is taken up at the next start
        await asyncio.wait([work])
        await http.aclose()

    app = FastAPI(title="Local asynchronous endpoint", lifespan=lifespan, openapi_url=None)

    @app.get("/ping")
    async def ping() -> dict[str, str | int]:
        return {"endpoint": settings.endpoint_name, "waiting": worker.waiting, "running": worker.running}

    @app.post("/endpoints/{endpoint_name}/async-invocations")
    async def invoke_endpoint_async(endpoint_name: str, request: Request) -> JSONResponse:
        if endpoint_name != settings.endpoint_name:
            return _validation_error(f"Endpoint {endpoint_name} not found.")
        try:
            invocation = from_headers(request.headers, settings)
        except InvalidCall as error:
            return _validation_error(str(error))
        worker.accept(invocation)
        return JSONResponse(
            {"InferenceId": invocation.inference_id},
            status_code=202,
            headers={
                "X-Amzn-SageMaker-OutputLocation": invocation.output_location,
                "X-Amzn-SageMaker-FailureLocation": invocation.failure_location,
            },
        )

    return app


def _validation_error(message: str) -> JSONResponse:
    return JSONResponse({"Message": message}, status_code=400, headers={"x-amzn-ErrorType": "ValidationError"})
