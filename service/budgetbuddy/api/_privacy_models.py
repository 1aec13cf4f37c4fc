"""What the routes of `/privacy` take and give."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from budgetbuddy.api._auth_models import EXAMPLE_PASSWORD
from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._credential_models import MfaCode
from budgetbuddy.domain.data_map import Kept
from budgetbuddy.domain.erasure import Erasure, StepName, StepStatus
from budgetbuddy.domain.exports import Export


class DataView(View):
    """One kind of data: what it holds, what for, on what ground, how long, where to mend it."""

    category: str
    fields: list[str]
    purpose: str
    legal_basis: str
    retention: str
    where_to_correct: str | None

    @classmethod
    def of(cls, kept: Kept) -> "DataView":
        """The view of a kind of data."""
        return cls(
            category=kept.file,
            fields=list(kept.fields),
            purpose=kept.purpose,
            legal_basis=kept.basis,
            retention=kept.retention,
            where_to_correct=kept.correct_at,
        )


class DataMapView(View):
    """Every kind of data that is kept about a person."""

    items: list[DataView]
    next_cursor: str | None


class ExportPath(Query):
    """Path of one export."""

    export_id: str


class ArchiveView(View):
    """An archive that can be fetched until it expires; it is made while it is fetched."""

    id: str
    status: Literal["ready"] = "ready"
    created_at: str
    expires_at: str
    download_url: str

    @classmethod
    def of(cls, export: Export) -> "ArchiveView":
        """The view of an export."""
        return cls(
            id=export.id,
            created_at=export.created_at,
            expires_at=export.expires_at,
            download_url=f"/api/v1/privacy/exports/{export.id}/content",
        )


class ErasureRequest(Input):
    """The end of an account, said twice: in words, and with its password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"confirm": "ERASE", "password": EXAMPLE_PASSWORD}}
    )

    confirm: Literal["ERASE"]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
    mfa_code: MfaCode | None = None


class ReceiptPath(Query):
    """Path of one erasure: whoever holds the receipt may see how far it is."""

    receipt: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]


class ErasureBegun(View):
    """The receipt is shown once; with it, and nothing else, the status can be asked for."""

    receipt: str
    status_url: str


class ErasureState(StrEnum):
    """Of the whole."""

    RUNNING = "running"
    FINISHED = "finished"


class StepView(View):
    """One step; `count` is how many rows or links it removed."""

    name: StepName
    status: StepStatus
    count: Annotated[int, Field(ge=0)]


class ErasureView(View):
    """How far an erasure is."""

    status: ErasureState
    requested_at: str
    finished_at: str | None
    steps: list[StepView]

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureView":
        """The view of an erasure: never whose it is."""
        return cls(
            status=ErasureState.FINISHED if erasure.finished_at else ErasureState.RUNNING,
            requested_at=erasure.requested_at,
            finished_at=erasure.finished_at,
            steps=[StepView(name=s.name, status=s.status, count=s.count) for s in erasure.steps],
        )
