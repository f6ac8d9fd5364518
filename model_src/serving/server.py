"""The HTTP server of the inference container: what SageMaker asks for, and health checks for everybody else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from model_src.serving.holder import ModelHolder, ModelSource
from model_src.serving.invocations import Invocations
from model_src.serving.keys import require_key
from model_src.serving.logs import adopt_uvicorn, logger
from model_src.serving.loopback import guarded
from model_src.serving.problem import Problem
from model_src.serving.work import missing_for_videos, score_chunk, score_image, score_video

MIB = 1024 * 1024
DRAIN_SECONDS = 25  # SageMaker kills the container 30 seconds after SIGTERM


@dataclass(frozen=True)
class ServerSettings:
    host: str = "127.0.0.1"
    port: int = 8080
    queue_size: int = 4  # chunks that may wait while others are scored
    batch: int = 1  # chunks of different requests that may be scored together; a GPU wants several
    max_body_bytes: int = 128 * MIB  # 30 windows at 10 fps with optical flow are about 80 MiB
    api_key: str | None = field(default=None, repr=False)  # for pictures and whole videos; without it nobody gets in


def create_app(source: ModelSource, settings: ServerSettings) -> FastAPI:
    holder = ModelHolder(source, settings.batch)
    invocations = Invocations(holder, settings.queue_size, settings.max_body_bytes)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        holder.start()
        yield
        invocations.close()

    app = FastAPI(title="Aura Veracity inference", lifespan=lifespan, openapi_url=None)

    @app.get("/ping")
    async def ping() -> JSONResponse:
        """SageMaker sends work only to a container that answers 200 here."""
        if holder.scorer is None:
            return JSONResponse({"status": "not_ready", "reason": holder.reason}, status_code=503)
        return JSONResponse({"status": "ready"})

    @app.post("/invocations")
    async def invoke(request: Request) -> Response:
        return await invocations(request, score_chunk)

    def admit_video(request: Request) -> None:
        require_key(request, settings.api_key)
        if missing := missing_for_videos():
            raise Problem(
                501,
                "not_here",
                f"This server reads no whole videos: it lacks {' and '.join(missing)}. Install the extra `video` and "
                "requirements/video-no-deps.txt beside it, or send chunks to /invocations.",
            )

    @app.post("/infer")
    async def infer(request: Request) -> Response:
        """One picture as the body: what its face looks like by itself."""
        return await invocations(request, score_image, lambda asked: require_key(asked, settings.api_key))

    @app.post("/infer-video")
    async def infer_video(request: Request) -> Response:
        """One video file as the body: the verdict. For local use; the service cuts videos up before they get here."""
        return await invocations(request, score_video, admit_video)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        loaded = holder.scorer is not None
        body: dict[str, Any] = {
            "status": "ready" if loaded else "not_ready",
            "model_loaded": loaded,
            "checkpoint_path": str(source),
        }
        if not loaded:
            body["reason"] = holder.reason
        return JSONResponse(body, status_code=200 if loaded else 503)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        loaded = holder.scorer is not None
        return {
            "status": "healthy" if loaded else "unhealthy",
            "model_loaded": loaded,
            "checkpoint_exists": source.exists(),
            "ready": loaded,
        }

    return app


def serve(source: ModelSource, settings: ServerSettings) -> None:
    """Run until SIGTERM; requests under way are answered before the server ends."""
    adopt_uvicorn()
    logger.info("serving", extra={"host": settings.host, "port": settings.port, "source": str(source)})
    uvicorn.run(
        guarded(create_app(source, settings), settings.host),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
