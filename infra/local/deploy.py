"""Deploy template.yaml to the emulator through CloudFormation, as `sam deploy` would."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from botocore.exceptions import WaiterError

from infra.local.package import load_template, package

STACK = "aura-veracity"
CODE_BUCKET = "aura-veracity-code"


class DeployFailed(RuntimeError):
    """CloudFormation refused the template; the message holds the reasons it gave."""


def deploy(session: Any, endpoint_url: str, parameters: dict[str, str]) -> dict[str, str]:
    """Create or update the stack; an unchanged one is left alone. Returns its outputs."""
    s3 = session.client("s3", endpoint_url=endpoint_url)
    s3.create_bucket(Bucket=CODE_BUCKET)
    body = json.dumps(package(load_template(), CODE_BUCKET, s3))
    # The template passes through the bucket: it is larger than CloudFormation takes inline.
    key = f"{hashlib.sha256(body.encode()).hexdigest()[:24]}.template.json"
    s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=body.encode())
    request = {
        "StackName": STACK,
        "TemplateURL": f"{endpoint_url}/{CODE_BUCKET}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    cloudformation = session.client("cloudformation", endpoint_url=endpoint_url)
    try:
        status = stack_status(cloudformation)
        if status == "ROLLBACK_COMPLETE":  # a first deployment that failed can only be deleted
            cloudformation.delete_stack(StackName=STACK)
            wait(cloudformation, "stack_delete_complete")
            status = None
        if status:
            cloudformation.update_stack(**request)
            wait(cloudformation, "stack_update_complete")
        else:
            cloudformation.create_stack(**request)
            wait(cloudformation, "stack_create_complete")
    except cloudformation.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployFailed(str(error)) from error
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def stack_status(cloudformation: Any) -> str | None:
    summaries = cloudformation.list_stacks()["StackSummaries"]
    alive = (stack["StackStatus"] for stack in summaries if stack["StackName"] == STACK)
    return next((status for status in alive if status != "DELETE_COMPLETE"), None)


def wait(cloudformation: Any, state: str) -> None:
    try:
        cloudformation.get_waiter(state).wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason")
        ]
        raise DeployFailed("; ".join(reasons) or str(error)) from error
