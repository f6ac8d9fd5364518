"""AWS had a bad moment: told to the state machine by one name, so that it tries the step again.

The clients have tried several times by then. What they raise has a hundred names, of services and of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

Handler = Callable[[dict[str, Any], Any], Any]


class Transient(Exception):
    """The name stands in the state machine's retries."""


def aws_may_fail(handler: Handler) -> Handler:
    @wraps(handler)
    def tried(event: dict[str, Any], context: Any) -> Any:
        try:
            return handler(event, context)
        except (ClientError, BotoCoreError, Boto3Error) as error:
            raise Transient(f"{type(error).__name__}: {error}") from error

    return tried
