"""Where a file lies: an address is a bucket and a key, whatever the key looks like."""

from __future__ import annotations

from typing import Any

import pytest

from functions.core.files import locate, parse

KEYS = [
    "what?",
    "?",
    "what?why=1",
    "a#b",
    "50%20off",
    "tab\there",
    "line\nbreak",
    " a ",
    "a//b",
    "/a",
    "ü/🎬.mp4",
    "s3://x",
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_an_address_names_the_very_key_it_was_made_of(key: str) -> None:
    assert parse(locate("uploads", key)) == ("uploads", key)


@pytest.mark.parametrize("key", ["what?", "a#b", "50%20off", "ü/🎬.mp4"])
def test_what_is_written_under_an_odd_key_is_read_again(aws: Any, key: str) -> None:
    aws.files.write(locate("results", key), b"kept", "text/plain")
    assert aws.files.read(locate("results", key)) == b"kept"
    assert [found["Key"] for found in aws.s3.list_objects_v2(Bucket="results")["Contents"]] == [key]


@pytest.mark.parametrize("location", ["", "results/a", "https://results/a", "s3://results", "s3://results/", "s3:///a"])
def test_what_names_no_object_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="not an S3 location"):
        parse(location)
