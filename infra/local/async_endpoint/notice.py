"""The SNS messages SageMaker sends when an asynchronous inference ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from functions.core.jobs import timestamp
from infra.local.account import REGION
from infra.local.async_endpoint.invocation import Invocation


def success_notice(invocation: Invocation, endpoint_name: str, content_type: str) -> str:
    return _notice(
        invocation,
        endpoint_name,
        invocationStatus="Completed",
        responseParameters={"contentType": content_type, "outputLocation": invocation.output_location},
    )


def error_notice(invocation: Invocation, endpoint_name: str, reason: str) -> str:
    """Names the reason only in general terms, as SageMaker does; what the model answered lies at FailureLocation."""
    return _notice(invocation, endpoint_name, invocationStatus="Failed", failureReason=reason)


def _notice(invocation: Invocation, endpoint_name: str, **outcome: Any) -> str:
    request = {
        "accept": invocation.accept,
        "contentType": invocation.content_type,
        "endpointName": endpoint_name,
        "inputLocation": invocation.input_location,
    }
    return json.dumps(
        {
            "awsRegion": REGION,
            "eventTime": timestamp(datetime.now(UTC)),
            "receivedTime": timestamp(datetime.fromtimestamp(invocation.received_at, UTC)),
            **outcome,
            "requestParameters": {key: value for key, value in request.items() if value is not None},
            "inferenceId": invocation.inference_id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        }
    )
