"""The documents of the tasks' roles, rendered by the platform's own components."""

import asyncio
from functools import cache
from typing import Any

import pulumi
from pulumi.runtime import mocks, settings

from infra.keys import KeyRing, KeyRingArgs
from infra.mail import Mail, MailArgs
from infra.naming import Names
from infra.queues import Queues, QueuesArgs
from infra.roles import ServiceRoles, ServiceRolesArgs
from infra.secrets import Secrets, SecretsArgs
from infra.settings import DataSettings
from infra.tables import Tables, TablesArgs

POLICY = "aws:iam/rolePolicy:RolePolicy"
IDENTITY = "aws:sesv2/emailIdentity:EmailIdentity"


class _Rendered(mocks.Mocks):
    """Answers with the inputs and keeps the documents by the name of their resource."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == POLICY:
            self.documents[args.name] = args.inputs["policy"]
        made = {**args.inputs, "arn": f"arn:aws:mock:::{args.name}"}
        if args.typ == IDENTITY:
            made["dkimSigningAttributes"] = {"tokens": ["one", "two", "three"]}
        return f"{args.name}-id", made

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"a component must not look anything up: {args.token}")


@cache
def task_documents(names: Names, domain: str, table_prefix: str) -> dict[str, str]:
    """JSON of the roles' documents: `task-api-inline`, `task-worker-inline` and the others."""
    rendered = _Rendered()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(rendered, preview=False)
    try:
        pulumi.runtime.test(lambda: _build(names, domain, table_prefix))()
    finally:
        settings.reset_options()
        asyncio.set_event_loop(None)
        loop.close()
    return rendered.documents


def _build(names: Names, domain: str, table_prefix: str) -> None:
    keys = KeyRing("keys", KeyRingArgs(names=names, protect=False))
    data = DataSettings.model_validate({"tablePrefix": table_prefix})
    tables = TablesArgs(names=names, keys=keys, settings=data, protect=False)
    secrets = SecretsArgs(names=names, keys=keys, recovery_days=0, protect=False)
    args = ServiceRolesArgs(
        names=names,
        boundary_arn=None,
        repository="budgetbuddy-backend",
        table_prefix=table_prefix,
        keys=keys,
        tables=Tables("tables", tables),
        secrets=Secrets("secrets", secrets),
        mail=Mail("mail", MailArgs(names=names, domain=domain, zone_id="Z0TEST")),
        queues=Queues("queues", QueuesArgs(names=names, keys=keys)),
    )
    ServiceRoles("roles", args)
