"""What the routes of webhooks take and give."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import Note
from budgetbuddy.domain.deliveries import Delivery, DeliveryStatus, Fault
from budgetbuddy.domain.webhooks import (
    LONGEST_OVERLAP_HOURS,
    SUBSCRIBABLE,
    USUAL_OVERLAP_HOURS,
    DisabledReason,
    EventType,
    Webhook,
)

EXAMPLE_URL = "https://hooks.example.com/budgetbuddy"
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_048)]
Subscription = Annotated[
    EventType, Field(json_schema_extra={"enum": [str(event) for event in SUBSCRIBABLE]})
]
Events = Annotated[list[Subscription], Field(min_length=1, max_length=len(SUBSCRIBABLE))]


class WebhookPath(Query):
    """Path of one webhook."""

    webhook_id: str


class DeliveryPath(WebhookPath):
    """Path of one delivery."""

    delivery_id: str


class _Subscribing(Input):
    @model_validator(mode="after")
    def _asks_for_what_is_told(self) -> Any:
        events = getattr(self, "events", None) or []
        if EventType.TEST in events:
            raise PydanticCustomError("unknown_event", "This event cannot be subscribed to")
        return self


class NewWebhook(_Subscribing):
    """Where to, and which events."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"url": EXAMPLE_URL, "events": ["transaction.created", "account.updated"]}
        }
    )

    url: Url
    events: Events
    description: Note | None = None


class WebhookChange(_Subscribing):
    """What can be changed; absent fields stay. `enabled: true` forgets earlier failures."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": True}})

    url: Url | None = None
    events: Events | None = None
    description: Note | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def _sound(self) -> "WebhookChange":
        if not self.model_fields_set:
            raise PydanticCustomError("empty_change", "At least one field is expected")
        may_be_null = {"description"}
        if any(getattr(self, name) is None for name in self.model_fields_set - may_be_null):
            raise PydanticCustomError("null", "A field can be left out, but not be null")
        return self

    def fields(self) -> dict[str, Any]:
        """Only what was sent."""
        fields = self.model_dump(exclude_unset=True)
        if "events" in fields:
            fields["events"] = tuple(dict.fromkeys(fields["events"]))
        return fields


class Rotation(Input):
    """For how many hours the old secret signs beside the new one."""

    model_config = ConfigDict(json_schema_extra={"example": {"overlapHours": 24}})

    overlap_hours: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_HOURS)] = USUAL_OVERLAP_HOURS


class WebhookView(View):
    """A webhook; `failures` are attempts in a row, `disabledBy` says who switched it off."""

    id: str
    url: str
    events: list[EventType]
    description: str | None
    enabled: bool
    disabled_by: DisabledReason | None
    failures: int
    created_at: str
    version: int

    @classmethod
    def fields_of(cls, webhook: Webhook) -> dict[str, Any]:
        """The fields of a view."""
        return {
            "id": webhook.id,
            "url": webhook.url,
            "events": list(webhook.events),
            "description": webhook.description,
            "enabled": webhook.enabled,
            "disabled_by": webhook.disabled,
            "failures": webhook.failures,
            "created_at": webhook.created_at,
            "version": webhook.version,
        }

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookView":
        """The view of a webhook."""
        return cls(**cls.fields_of(webhook))


class CreatedWebhook(WebhookView):
    """A new webhook; `secret` is never shown again."""

    secret: str


class SecretView(View):
    """A new secret, shown this once; the one before signs until `previousUntil`."""

    secret: str
    previous_until: str | None


class WebhookList(View):
    """All webhooks, oldest first."""

    items: list[WebhookView]
    next_cursor: str | None


class DeliveryView(View):
    """An event on its way: `attempt` counts those made, `nextAttemptAt` is null when none comes."""

    id: str
    event_id: str
    event: EventType
    status: DeliveryStatus
    attempt: int
    fault: Fault | None
    http_status: int | None
    latency_ms: int | None
    created_at: str
    next_attempt_at: str | None

    @classmethod
    def fields_of(cls, delivery: Delivery) -> dict[str, Any]:
        """The fields of a view."""
        answer = delivery.answer
        return {
            "id": delivery.id,
            "event_id": delivery.event_id,
            "event": delivery.event,
            "status": delivery.status,
            "attempt": delivery.attempts,
            "fault": answer.fault if answer else None,
            "http_status": answer.status if answer else None,
            "latency_ms": answer.millis if answer else None,
            "created_at": delivery.created_at,
            "next_attempt_at": delivery.next_at,
        }

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        """The view of a delivery."""
        return cls(**cls.fields_of(delivery))


class DeliveryDetail(DeliveryView):
    """With what was sent, and how the last answer began (2 KB)."""

    request_body: str
    response_body: str | None

    @classmethod
    def detail(cls, delivery: Delivery) -> "DeliveryDetail":
        """The view of a delivery."""
        answer = delivery.answer
        return cls(
            **cls.fields_of(delivery),
            request_body=delivery.body,
            response_body=answer.text if answer else None,
        )


class DeliveryList(View):
    """One page, newest first."""

    items: list[DeliveryView]
    next_cursor: str | None
