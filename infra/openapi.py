"""`python -m infra.openapi`: write the API's OpenAPI description from the routes themselves into infra/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from functions.api import TITLE, VERSION, app

PATH = Path(__file__).with_name("openapi.json")
PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def generate() -> str:
    """The description as the routes and models of this very code give it."""
    token = HTTPBearer(description="an ID token of the user pool", bearerFormat="JWT")
    described = app.get_openapi_json_schema(
        title=TITLE, version=VERSION, security_schemes={"Users": token}, security=[{"Users": []}]
    )
    schema = json.loads(described)
    # Powertools leaves the sentence out of what it answers to a malformed request, and describes it as always there.
    schema["components"]["schemas"]["ValidationError"]["required"].remove("msg")
    refused = {"description": "No token, or one that the user pool does not know", "content": PROBLEM}
    for operation in (operation for path in schema["paths"].values() for operation in path.values()):
        operation["responses"]["401"] = refused  # by the authorizer, before any code of ours
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(generate())
