"""The HTTP API: three routes behind one authorizer. The owner is the token's subject, whatever the request says."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions import analyze_video, get_job, list_jobs
from functions.core.observability import logger

TITLE, VERSION = "Aura Veracity", "1.0.0"


def read_body(text: str) -> Any:
    """Python reads no number of thousands of digits; any other ValueError but bad JSON would be a fault of ours."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise BadRequestError("The body holds a number with too many digits.") from error


app = APIGatewayRestResolver(
    enable_validation=True, cors=CORSConfig(allow_origin="*"), json_body_deserializer=read_body
)
for route in (analyze_video, get_job, list_jobs):
    app.include_router(route.router)


@app.exception_handler(RecursionError)  # type: ignore[untyped-decorator]
def nested_too_deeply(error: RecursionError) -> NoReturn:
    raise BadRequestError("The body is nested too deeply.") from error


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
