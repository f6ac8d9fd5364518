"""Files in S3: the uploads we read, the work files between the steps, the results we keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel

from functions.core.uploads import Upload

M = TypeVar("M", bound=BaseModel)


class FileStore(Protocol):
    """What the steps need from storage; locations are s3://bucket/key everywhere."""

    def download(self, upload: Upload, path: Path) -> None: ...
    def read(self, location: str) -> bytes: ...
    def read_model(self, location: str, model: type[M]) -> M: ...
    def write(self, location: str, data: bytes, content_type: str) -> None: ...
    def write_model(self, location: str, value: BaseModel) -> None: ...
    def exists(self, location: str) -> bool: ...
    def link(self, location: str, seconds: int) -> str: ...
    def upload_form(self, location: str, content_type: str, max_bytes: int, seconds: int) -> dict[str, Any]: ...


class S3Files:
    def __init__(self, client: Any) -> None:
        self.client = client

    def download(self, upload: Upload, path: Path) -> None:
        """The very version that was uploaded, streamed to disk; the key may be overwritten meanwhile."""
        extra = {"VersionId": upload.version} if upload.version else {}
        self.client.download_file(upload.bucket, upload.key, str(path), ExtraArgs=extra)

    def read(self, location: str) -> bytes:
        bucket, key = parse(location)
        data: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return data

    def read_model(self, location: str, model: type[M]) -> M:
        return model.model_validate_json(self.read(location))

    def write(self, location: str, data: bytes, content_type: str) -> None:
        bucket, key = parse(location)
        self.client.put_object(Bucket=bucket, Key=key, Body=data, ContentType=content_type)

    def write_model(self, location: str, value: BaseModel) -> None:
        self.write(location, value.model_dump_json().encode(), "application/json")

    def exists(self, location: str) -> bool:
        bucket, key = parse(location)
        try:
            self.client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # Without s3:ListBucket a missing key answers 403; the caller then does the work again, which is safe.
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "403"):
                return False
            raise
        return True

    def link(self, location: str, seconds: int) -> str:
        bucket, key = parse(location)
        url: str = self.client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
        )
        return url

    def upload_form(self, location: str, content_type: str, max_bytes: int, seconds: int) -> dict[str, Any]:
        """A presigned POST that S3 itself enforces: this key, this type, at least one byte, at most max_bytes."""
        bucket, key = parse(location)
        form: dict[str, Any] = self.client.generate_presigned_post(
            bucket,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=seconds,
        )
        return form


def locate(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"


def parse(location: str) -> tuple[str, str]:
    """Bucket and key. It only looks like a URL: a key may hold anything, so nothing in it means anything."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not (location.startswith("s3://") and bucket and key):
        raise ValueError(f"not an S3 location: {location!r}")
    return bucket, key
