"""A local user and the token that the API asks for, made the way an administrator makes them on AWS."""

from __future__ import annotations

from typing import Any

LOCAL_USER = "local@aura.example"
LOCAL_PASSWORD = "Local-Password-2026"  # noqa: S105 - opens nothing but an emulator on this machine


def token_for(cognito: Any, pool_id: str, client_id: str, email: str) -> str:
    """Sign in as the user, creating it first if need be. The id token is what the API's authorizer checks."""
    try:
        cognito.admin_create_user(UserPoolId=pool_id, Username=email, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=LOCAL_PASSWORD, Permanent=True)
    except cognito.exceptions.UsernameExistsException:
        pass  # made by an earlier start; its jobs are still there
    answer = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": LOCAL_PASSWORD},
    )
    token: str = answer["AuthenticationResult"]["IdToken"]
    return token
