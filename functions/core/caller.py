"""Who is asking? The authorizer has checked the token; its subject owns what it makes."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError


def owner_of(router: Router) -> str:
    claims = (router.current_event.get("requestContext") or {}).get("authorizer", {}).get("claims", {})
    subject = claims.get("sub")
    if not subject:  # API Gateway lets no such request through; a direct invocation might try
        raise UnauthorizedError("A token with a subject is needed.")
    return str(subject)
