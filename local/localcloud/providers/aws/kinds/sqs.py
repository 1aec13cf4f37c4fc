"""Queues, their policies and redrive rules."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import Kind, Operation, settle_tags

# Wire name to attribute. A type that is not text is converted on both ways.
ATTRIBUTES: Mapping[str, tuple[str, type]] = {
    "contentBasedDeduplication": ("ContentBasedDeduplication", bool),
    "deduplicationScope": ("DeduplicationScope", str),
    "delaySeconds": ("DelaySeconds", int),
    "fifoQueue": ("FifoQueue", bool),
    "fifoThroughputLimit": ("FifoThroughputLimit", str),
    "kmsDataKeyReusePeriodSeconds": ("KmsDataKeyReusePeriodSeconds", int),
    "kmsMasterKeyId": ("KmsMasterKeyId", str),
    "maxMessageSize": ("MaximumMessageSize", int),
    "messageRetentionSeconds": ("MessageRetentionPeriod", int),
    "policy": ("Policy", str),
    "receiveWaitTimeSeconds": ("ReceiveMessageWaitTimeSeconds", int),
    "redriveAllowPolicy": ("RedriveAllowPolicy", str),
    "redrivePolicy": ("RedrivePolicy", str),
    "sqsManagedSseEnabled": ("SqsManagedSseEnabled", bool),
    "visibilityTimeoutSeconds": ("VisibilityTimeout", int),
}
ON_CREATION = ("FifoQueue",)
OF_FIFO = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")


def _wanted(op: Operation) -> dict[str, str]:
    fifo = op.inputs.get("fifoQueue")
    wanted = {
        name: str(op.inputs[key]).lower() if kind is bool else str(op.inputs[key])
        for key, (name, kind) in ATTRIBUTES.items()
        if op.inputs.get(key) is not None and (fifo or name not in OF_FIFO)
    }
    # A property that is no longer given goes back to nothing.
    dropped = [key for key in ATTRIBUTES if op.olds.get(key) and op.inputs.get(key) is None]
    cleared = {ATTRIBUTES[key][0]: "" for key in dropped if ATTRIBUTES[key][1] is str}
    return wanted | {name: "" for name in cleared if fifo or name not in OF_FIFO}


def _create_queue(op: Operation) -> str:
    attributes = {"FifoQueue": "true"} if op.inputs.get("fifoQueue") else {}
    made = op.client("sqs").create_queue(
        QueueName=op.inputs["name"], Attributes=attributes, tags=op.tags
    )
    return str(made["QueueUrl"])


def _apply_queue(op: Operation) -> None:
    sqs = op.client("sqs")
    changeable = {k: v for k, v in _wanted(op).items() if k not in ON_CREATION}
    sqs.set_queue_attributes(QueueUrl=op.id, Attributes=changeable)
    settle_tags(
        sqs.list_queue_tags(QueueUrl=op.id).get("Tags", {}),
        op.tags,
        lambda tags: sqs.tag_queue(QueueUrl=op.id, Tags=tags),
        lambda keys: sqs.untag_queue(QueueUrl=op.id, TagKeys=keys),
    )


def _attributes(op: Operation) -> dict[str, str]:
    found = op.client("sqs").get_queue_attributes(QueueUrl=op.id, AttributeNames=["All"])
    return dict(found.get("Attributes", {}))


def _read_queue(op: Operation) -> Mapping[str, Any] | None:
    attributes = _attributes(op)
    live: dict[str, Any] = {
        key: attributes[name] == "true" if kind is bool else kind(attributes[name])
        for key, (name, kind) in ATTRIBUTES.items()
        if attributes.get(name) not in (None, "")
    }
    for key in ("kmsMasterKeyId", "policy", "redrivePolicy", "redriveAllowPolicy"):
        if key in op.inputs:
            live.setdefault(key, None)
    return live | {
        "arn": attributes["QueueArn"],
        "name": attributes["QueueArn"].rpartition(":")[2],
        "url": op.id,
        "tagsAll": op.client("sqs").list_queue_tags(QueueUrl=op.id).get("Tags", {}),
    }


def _delete_queue(op: Operation) -> None:
    op.client("sqs").delete_queue(QueueUrl=op.id)


def _attribute(key: str, attribute: str) -> Kind:
    """A resource that is one attribute of a queue; its id is the queue's URL."""

    def put(op: Operation) -> str:
        url = str(op.inputs["queueUrl"])
        op.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={attribute: op.inputs[key]})
        return url

    def read(op: Operation) -> Mapping[str, Any] | None:
        value = _attributes(op).get(attribute)
        return {"queueUrl": op.id, key: value} if value else None

    def delete(op: Operation) -> None:
        op.client("sqs").set_queue_attributes(QueueUrl=op.id, Attributes={attribute: ""})

    def apply(op: Operation) -> None:
        put(op)

    return Kind(put, read, delete, apply)


KINDS = {
    "aws:sqs/queue:Queue": Kind(_create_queue, _read_queue, _delete_queue, _apply_queue),
    "aws:sqs/queuePolicy:QueuePolicy": _attribute("policy", "Policy"),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _attribute(
        "redriveAllowPolicy", "RedriveAllowPolicy"
    ),
}
