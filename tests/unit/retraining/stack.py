"""The deployed stack, as far as a promotion sees it: its parameters, its status, and what an update does to both."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

FIRST = "s3://elsewhere/first/model.tar.gz"


class Stack:
    def __init__(self) -> None:
        self.parameters = {"ModelDataUrl": FIRST, "InferenceImageUri": "image:1", "AlarmEmail": ""}
        self.status = "UPDATE_COMPLETE"
        self.ahead: list[str] = []  # the statuses that the next looks at it will see
        self.ends_with = "UPDATE_COMPLETE"  # how an update ends
        self.updates: list[dict[str, Any]] = []

    def describe(self, _: dict[str, Any]) -> dict[str, Any]:
        if self.ahead:
            self.status = self.ahead.pop(0)
        told = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        return {"Stacks": [{"StackName": "aura", "StackStatus": self.status, "Parameters": told}]}

    def update(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.status.endswith("_IN_PROGRESS"):
            text = f"Stack is in {self.status} state and can not be updated."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": text}}, "UpdateStack")
        given = {each["ParameterKey"]: each.get("ParameterValue") for each in asked["Parameters"]}
        assert given.keys() == self.parameters.keys()  # one that is left out would go back to its default
        after = self.parameters | {key: value for key, value in given.items() if value is not None}
        if after == self.parameters:
            text = "No updates are to be performed."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": text}}, "UpdateStack")
        self.updates.append(asked)
        before, self.parameters = self.parameters, after
        self.ahead = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", self.ends_with]
        if self.ends_with != "UPDATE_COMPLETE":
            self.parameters, self.ahead = before, ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", self.ends_with]
        return {"StackId": "aura"}

    def deploy_by_another(self, model: str) -> None:
        """Another execution has just asked for it; until it is taken back, the stack shows the new address."""
        given = self.parameters | {"ModelDataUrl": model}
        self.update({"Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]})
        self.parameters = given
