"""`python -m infra.openapi`: write the API's OpenAPI description from the routes themselves into infra/openapi.json."""

from __future__ import annotations

import json
from pathlib import Path

from functions.api import TITLE, VERSION, app

PATH = Path(__file__).with_name("openapi.json")


def generate() -> str:
    """The description as the routes and models of this very code give it."""
    schema = json.loads(app.get_openapi_json_schema(title=TITLE, version=VERSION))
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(generate())
