"""What the routes of passwords and second factors take and give."""

from typing import Annotated, Literal

from pydantic import ConfigDict, RootModel, StringConstraints

from budgetbuddy.api._auth_models import (
    EXAMPLE_PASSWORD,
    Email,
    Password,
    RegistrationId,
    SessionView,
)
from budgetbuddy.api._body import Input, View
from budgetbuddy.contract import ACCESS_TOKEN_SECONDS
from budgetbuddy.domain.second_factor import Method


class ChallengeView(View):
    """The password was right; a code of the second factor is asked for at `/auth/mfa/verify`."""

    status: Literal["mfa_required"] = "mfa_required"
    mfa_token: str
    methods: tuple[Method, ...] = (Method.TOTP, Method.BACKUP_CODE)
    expires_in: int


class LoginView(RootModel[SessionView | ChallengeView]):
    """Signed in, or half way."""


MfaCode = Annotated[str, StringConstraints(min_length=6, max_length=16, pattern=r"^[0-9A-Za-z]+$")]


class Verification(Input):
    """The answer to a challenge."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "mfaToken": "pPzS0m2gqYtYyq1qk4m0c0m5v9n1r8bq2xW3eR4tY5u",
                "method": "totp",
                "code": "492039",
            }
        }
    )

    mfa_token: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    method: Method
    code: MfaCode


class CodeInput(Input):
    """A code of the second factor."""

    model_config = ConfigDict(json_schema_extra={"example": {"code": "492039"}})

    code: MfaCode


class FactorView(View):
    """A second factor; `enrolledAt` is null while it is off."""

    enabled: bool
    enrolled_at: str | None


class MfaView(View):
    """The state of the second factor."""

    totp: FactorView
    backup_codes_left: int


class EnrolmentView(View):
    """A secret for the app, as text and as the URI of a QR code. Good for ten minutes."""

    secret: str
    otpauth_uri: str
    expires_at: str


class BackupCodesView(View):
    """Ten codes, each good once, for the day the phone is lost. They are never shown again."""

    backup_codes: list[str]


class Reauthentication(Input):
    """Password and, where it is on, second factor."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"password": EXAMPLE_PASSWORD, "mfaCode": "492039"}}
    )

    password: Password
    mfa_code: MfaCode | None = None


class AccessTokenView(View):
    """A fresh access token of the same session."""

    access_token: str
    expires_in: int = ACCESS_TOKEN_SECONDS


class PasswordChange(Input):
    """The old password and the new one; access tokens end as well unless told otherwise."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "currentPassword": EXAMPLE_PASSWORD,
                "newPassword": "another sentence nobody guesses",
            }
        }
    )

    current_password: Password
    new_password: Password
    mfa_code: MfaCode | None = None
    revoke_tokens: bool = True


class Forgotten(Input):
    """Whose password is forgotten."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "ann@example.com"}})

    email: Email


class ResetView(View):
    """A reset that waits for its code."""

    reset_id: str
    expires_at: str


class PasswordReset(Input):
    """The code that came by mail, and the new password."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "resetId": "Zk3vJr0iTq6b2Yl1cXo9hA",
                "code": "7F3KX2PA",
                "newPassword": "another sentence nobody guesses",
            }
        }
    )

    reset_id: RegistrationId
    code: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    new_password: Password
