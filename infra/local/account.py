"""The emulator's account: it lets everybody in, but every part of the stack has to name the same one."""

from __future__ import annotations

import boto3

REGION = "us-east-1"
MADE_UP = "test"  # its key, and what belongs to the key


def session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=MADE_UP, aws_secret_access_key=MADE_UP, region_name=REGION)
