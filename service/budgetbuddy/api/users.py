"""`/users/me`: the profile, and its correction."""

from typing import Annotated, Any
from zoneinfo import available_timezones

from flask import Response
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._fields import CurrencyCode
from budgetbuddy.api._http import answer, expected_version, principal, rendered, services, shown
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import SESSION, scope
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import (
    Profile,
)
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
)

routes = Routes("users", "/api/v1/users")
MAX_THRESHOLDS = 4


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError("unknown_timezone", "An IANA zone such as Europe/Vienna")
    return name


def _display_name(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("invalid_text", "One line of visible text is expected")
    return text


DisplayName = Annotated[str, StringConstraints(max_length=100), AfterValidator(_display_name)]
Timezone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone)]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
Threshold = Annotated[int, Field(json_schema_extra={"enum": [50, 75, 90, 100]})]


class UserView(View):
    """A user as they see themselves."""

    id: str
    email: str
    display_name: str
    currency: str
    timezone: str
    locale: str
    week_start: int
    alert_thresholds: list[int]
    alert_email: bool
    mfa_enabled: bool
    roles: list[str]
    created_at: str
    version: int

    @classmethod
    def of(cls, profile: Profile) -> "UserView":
        """The view of a profile."""
        chosen = profile.preferences
        return cls(
            id=profile.user.id,
            email=profile.email,
            display_name=chosen.display_name,
            currency=chosen.currency,
            timezone=chosen.timezone,
            locale=chosen.locale,
            week_start=chosen.week_start,
            alert_thresholds=list(chosen.alert_thresholds),
            alert_email=chosen.alert_email,
            mfa_enabled=profile.mfa,
            roles=list(profile.roles),
            created_at=format_instant(profile.created_at),
            version=profile.version,
        )


class UserChange(Input):
    """What a user can change; absent fields stay."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"displayName": "Ann", "timezone": "Europe/Vienna"}}
    )

    display_name: DisplayName | None = None
    currency: CurrencyCode | None = None
    timezone: Timezone | None = None
    locale: Locale | None = None
    week_start: Annotated[int, Field(ge=0, le=6)] | None = None
    alert_thresholds: Annotated[list[Threshold], Field(max_length=MAX_THRESHOLDS)] | None = None
    alert_email: bool | None = None

    @model_validator(mode="after")
    def _sound(self) -> "UserChange":
        if not self.model_fields_set:
            raise PydanticCustomError("empty_change", "At least one field is expected")
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("null", "A field can be left out, but not be null")
        allowed = {50, 75, 90, 100}
        if self.alert_thresholds and not allowed.issuperset(self.alert_thresholds):
            raise PydanticCustomError("unknown_threshold", "Thresholds are 50, 75, 90 and 100")
        return self

    def fields(self) -> dict[str, Any]:
        """Only what was sent."""
        fields = self.model_dump(exclude_unset=True)
        if "alert_thresholds" in fields:
            fields["alert_thresholds"] = tuple(sorted(set(fields["alert_thresholds"])))
        return fields


@routes.get("/me", access=scope("profile:read"), returns={200: UserView})
def show_me() -> Response:
    """Show the profile of the caller."""
    profile = services().users.get(principal().user)
    return shown(UserView.of(profile), version=profile.version)


@routes.patch(
    "/me",
    access=SESSION,
    returns={200: UserView},
    problems=(CardNumberDetected,),
    if_match=True,
)
def change_me(body: UserChange) -> Response:
    """Correct the profile (GDPR Art. 16)."""
    fields = body.fields()
    require_no_card_number({"/displayName": body.display_name})
    return answer(rendered(UserView.of), services().users.change, expected_version(), fields)
