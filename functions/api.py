"""The HTTP API: three routes behind one authorizer. The owner is the token's subject, whatever the request says."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response

from functions import analyze_video, get_job, list_jobs
from functions.core.contracts import Problem
from functions.core.observability import logger

TITLE, VERSION = "Aura Veracity", "1.0.0"

app = APIGatewayRestResolver(enable_validation=True, cors=CORSConfig(allow_origin="*"))
for route in (analyze_video, get_job, list_jobs):
    app.include_router(route.router)


@app.exception_handler(RecursionError)  # type: ignore[untyped-decorator]
def nested_too_deeply(_error: RecursionError) -> Response[str]:
    told = Problem(message="The body is nested too deeply.", statusCode=400)
    return Response(400, "application/json", told.model_dump_json(by_alias=True))


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
