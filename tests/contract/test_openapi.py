"""The API's published description is the API's code."""

from __future__ import annotations

import json

from infra.openapi import PATH, generate


def test_the_openapi_file_is_what_the_routes_say() -> None:
    assert PATH.read_text() == generate(), "the API has changed: run `python -m infra.openapi` and commit the file"


def test_the_three_routes_are_described() -> None:
    paths = json.loads(PATH.read_text())["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        ("/analyze-video", "post"),
        ("/jobs", "get"),
        ("/jobs/{job_id}", "get"),
    }
