"""What the routes of `/privacy` take and give."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from budgetbuddy.api._auth_models import EXAMPLE_PASSWORD
from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._credential_models import MfaCode
from budgetbuddy.domain.erasure import Erasure, StepName, StepStatus


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

    receipt: str


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
