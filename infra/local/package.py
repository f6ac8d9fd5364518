"""What `sam package` would do, for the emulator: code into zips, zips and the state machine into a bucket.

The template itself is never edited. Three differences to AWS are made here, and only here: image functions become zip
functions with the same handler (no Docker), the state machine's YAML becomes JSON, and a timeout given as an expression
becomes the number it stands for.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
# The code that a zip function carries on AWS, and what the video image adds to it.
ZIP_CODE = ("functions", "model_src/__init__.py", "model_src/redaction.py", "model_src/verdict")
VIDEO_CODE = (*ZIP_CODE, "model_src/preprocess")
RUNTIME = "python3.13"


def load_template() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return template


def package(template: dict[str, Any], bucket: str, s3: Any) -> dict[str, Any]:
    """A deployable copy of the template whose code and definitions lie in the bucket."""
    packaged = copy.deepcopy(template)
    code = {
        "Zip": f"s3://{bucket}/{put(s3, bucket, 'zip', zip_code(ZIP_CODE))}",
        "Image": f"s3://{bucket}/{put(s3, bucket, 'zip', zip_code(VIDEO_CODE))}",
    }
    for resource in packaged["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            resource.pop("Metadata", None)  # how to build it; it is built
            kind = properties.get("PackageType", "Zip")
            if kind == "Image":
                without_docker(properties)
            properties["CodeUri"] = code[kind]
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            key = put(s3, bucket, "asl.json", definition_json(ROOT / properties["DefinitionUri"]).encode())
            properties["DefinitionUri"] = {"Bucket": bucket, "Key": key}
    return packaged


def without_docker(properties: dict[str, Any]) -> None:
    """The image's command is the handler; under the emulator it runs in this very Python environment."""
    properties.pop("PackageType")
    properties["Handler"] = properties.pop("ImageConfig")["Command"][0]
    properties["Runtime"] = RUNTIME


def definition_json(path: Path) -> str:
    """The state machine as JSON. The emulator does not evaluate expressions in TimeoutSeconds, only in arguments."""
    text = json.dumps(yaml.safe_load(path.read_text()))
    return re.sub(r'"TimeoutSeconds": "\{% (\$\{\w+\}) %\}"', r'"TimeoutSeconds": \1', text)


def zip_code(paths: tuple[str, ...]) -> bytes:
    """A zip of the sources. Same code, same bytes: an unchanged function is not deployed again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in paths:
            root = ROOT / name
            for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.writestr(zipfile.ZipInfo(str(path.relative_to(ROOT))), path.read_bytes())
    return buffer.getvalue()


def put(s3: Any, bucket: str, suffix: str, data: bytes) -> str:
    key = f"{hashlib.sha256(data).hexdigest()[:24]}.{suffix}"
    s3.put_object(Bucket=bucket, Key=key, Body=data)
    return key
