"""The queues the contract declares, each with a dead-letter queue for what nobody can handle."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.identity import ServiceRole
from infra.keys import KeyRing
from infra.naming import PROJECT, Names
from infra.policy import Statement, render

DAY = 86_400
LONG_POLL_SECONDS = 20  # SQS's most
DATA_KEY_SECONDS = 300  # how long SQS reuses a data key before it asks KMS again
SEND_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
CONSUME_KEY = ("kms:Decrypt",)


@dataclass(frozen=True, kw_only=True)
class QueuesArgs:
    """What the queues are named after and encrypted with."""

    names: Names
    keys: KeyRing


class Queues(pulumi.ComponentResource):
    """`names[short]` are the queues, `dead[short]` those beside them; access is by grant."""

    def __init__(self, name: str, args: QueuesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:messaging:Queues", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        made = {spec.name: self._create(spec) for spec in contract.QUEUES}
        self.names = {short: pair[0].name for short, pair in made.items()}
        self.dead = {short: pair[1].name for short, pair in made.items()}
        self.dead_by_name = {dead_letters(short): name for short, name in self.dead.items()}
        self.urls = {short: pair[0].url for short, pair in made.items()}
        self.register_outputs({"urls": self.urls})

    def _create(self, spec: contract.QueueSpec) -> tuple[aws.sqs.Queue, aws.sqs.Queue]:
        names = self._args.names
        dead = self._queue(dead_letters(spec.name), spec.dead_letter_days, spec.visibility_seconds)
        redrive = {
            "deadLetterTargetArn": names.queue_arn(dead_letters(spec.name)),
            "maxReceiveCount": spec.max_receives,
        }
        # The ARN is known before the queue is, so the order has to be said.
        queue = self._queue(
            spec.name,
            spec.retention_days,
            spec.visibility_seconds,
            redrive_policy=json.dumps(redrive, sort_keys=True),
            depends_on=dead,
        )
        allow = {"redrivePermission": "byQueue", "sourceQueueArns": [names.queue_arn(spec.name)]}
        aws.sqs.RedriveAllowPolicy(
            dead_letters(spec.name),
            queue_url=dead.url,
            redrive_allow_policy=json.dumps(allow, sort_keys=True),
            opts=self._child,
        )
        return queue, dead

    def _queue(
        self,
        short: str,
        days: int,
        visibility: int,
        *,
        redrive_policy: str | None = None,
        depends_on: pulumi.Resource | None = None,
    ) -> aws.sqs.Queue:
        queue = aws.sqs.Queue(
            short,
            name=self._args.names.queue(short),
            kms_master_key_id=self._args.keys.arns["messaging"],
            kms_data_key_reuse_period_seconds=DATA_KEY_SECONDS,
            message_retention_seconds=days * DAY,
            visibility_timeout_seconds=visibility,
            receive_wait_time_seconds=LONG_POLL_SECONDS,
            redrive_policy=redrive_policy,
            tags={"data-class": "internal"},
            opts=ResourceOptions(parent=self, depends_on=[depends_on] if depends_on else None),
        )
        policy = queue_policy(self._args.names, short)
        aws.sqs.QueuePolicy(short, queue_url=queue.url, policy=policy, opts=self._child)
        return queue

    def grant_send(self, role: ServiceRole) -> None:
        """Let `role` put messages into the queues."""
        self._grant(role, "SendMessages", contract.QUEUE_SEND_ACTIONS)
        self._args.keys.grant_use_via(role, "messaging", "sqs", SEND_KEY)

    def grant_consume(self, role: ServiceRole) -> None:
        """Let `role` take messages out, beside what `grant_send` allows."""
        self._grant(role, "TakeMessages", contract.QUEUE_CONSUME_ACTIONS)

    def _grant(self, role: ServiceRole, sid: str, actions: tuple[str, ...]) -> None:
        arns = tuple(self._args.names.queue_arn(spec.name) for spec in contract.QUEUES)
        role.allow(Statement(sid=sid, actions=actions, resources=arns))


def dead_letters(short: str) -> str:
    """Short name of the queue beside a queue."""
    return f"{short}-dlq"


def queue_policy(names: Names, short: str) -> str:
    """Nobody without TLS, nobody from another account; who of ours, the roles say."""
    queue = names.queue_arn(short)
    return render(
        [
            Statement(
                sid="DenyWithoutTls",
                effect="Deny",
                principals="*",
                actions=("sqs:*",),
                resources=(queue,),
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
            Statement(
                sid="DenyOtherAccounts",
                effect="Deny",
                principals="*",
                actions=("sqs:*",),
                resources=(queue,),
                conditions={"StringNotEquals": {"aws:PrincipalAccount": names.account_id}},
            ),
        ]
    )


def queue_url(names: Names, short: str, endpoint: str | None) -> str:
    """Where a queue is called, known before it exists; `endpoint` stands for AWS's own."""
    origin = endpoint or f"https://sqs.{names.region}.amazonaws.com"
    return f"{origin}/{names.account_id}/{PROJECT}-{short}"
