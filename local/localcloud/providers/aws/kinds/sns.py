"""Topics, their policies and subscriptions."""

import json
from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import Kind, Operation, pairs, settle_tags, unpaired

TOPIC: Mapping[str, tuple[str, type]] = {
    "displayName": ("DisplayName", str),
    "kmsMasterKeyId": ("KmsMasterKeyId", str),
    "signatureVersion": ("SignatureVersion", int),
    "tracingConfig": ("TracingConfig", str),
    "contentBasedDeduplication": ("ContentBasedDeduplication", bool),
    "deliveryPolicy": ("DeliveryPolicy", str),
}
SUBSCRIPTION: Mapping[str, tuple[str, type]] = {
    "deliveryPolicy": ("DeliveryPolicy", str),
    "filterPolicy": ("FilterPolicy", str),
    "filterPolicyScope": ("FilterPolicyScope", str),
    "rawMessageDelivery": ("RawMessageDelivery", bool),
    "redrivePolicy": ("RedrivePolicy", str),
    "subscriptionRoleArn": ("SubscriptionRoleArn", str),
}


def _text(value: Any, kind: type) -> str:
    return str(value).lower() if kind is bool else str(value)


def _live(table: Mapping[str, tuple[str, type]], attributes: Mapping[str, str]) -> dict[str, Any]:
    return {
        key: attributes[name] == "true" if kind is bool else kind(attributes[name])
        for key, (name, kind) in table.items()
        if attributes.get(name) not in (None, "")
    }


def _create_topic(op: Operation) -> str:
    fifo = {"FifoTopic": "true"} if op.inputs.get("fifoTopic") else {}
    made = op.client("sns").create_topic(
        Name=op.inputs["name"], Attributes=fifo, Tags=pairs(op.tags)
    )
    return str(made["TopicArn"])


def _apply_topic(op: Operation) -> None:
    sns = op.client("sns")
    table = {**TOPIC, "policy": ("Policy", str)}
    for key, (name, kind) in table.items():
        value = op.inputs.get(key)
        if value is None and not op.olds.get(key):
            continue
        if key == "contentBasedDeduplication" and not op.inputs.get("fifoTopic"):
            continue
        if value is not None or key in ("displayName", "kmsMasterKeyId"):
            sns.set_topic_attributes(
                TopicArn=op.id, AttributeName=name, AttributeValue=_text(value or "", kind)
            )
    settle_tags(
        _topic_tags(op),
        op.tags,
        lambda tags: sns.tag_resource(ResourceArn=op.id, Tags=pairs(tags)),
        lambda keys: sns.untag_resource(ResourceArn=op.id, TagKeys=keys),
    )


def _topic_tags(op: Operation) -> dict[str, str]:
    return unpaired(op.client("sns").list_tags_for_resource(ResourceArn=op.id).get("Tags", []))


def _topic_attributes(op: Operation) -> dict[str, str]:
    return dict(op.client("sns").get_topic_attributes(TopicArn=op.id)["Attributes"])


def _read_topic(op: Operation) -> Mapping[str, Any] | None:
    attributes = _topic_attributes(op)
    live = _live(TOPIC, attributes)
    if "kmsMasterKeyId" in op.inputs:
        live.setdefault("kmsMasterKeyId", None)
    if "policy" in op.inputs:
        live["policy"] = attributes.get("Policy")
    return live | {
        "arn": op.id,
        "name": op.id.rpartition(":")[2],
        "owner": op.config.account,
        "tagsAll": _topic_tags(op),
    }


def _delete_topic(op: Operation) -> None:
    op.client("sns").delete_topic(TopicArn=op.id)


def _put_policy(op: Operation) -> str:
    topic = str(op.inputs["arn"])
    op.client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=op.inputs["policy"]
    )
    return topic


def _apply_policy(op: Operation) -> None:
    _put_policy(op)


def _read_policy(op: Operation) -> Mapping[str, Any] | None:
    policy = _topic_attributes(op).get("Policy")
    return {"arn": op.id, "owner": op.config.account, "policy": policy} if policy else None


def _default_policy(topic: str, account: str) -> str:
    """The policy AWS gives a new topic: its owner may do everything with it."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:Publish"],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return json.dumps({"Version": "2008-10-17", "Statement": [statement]})


def _delete_policy(op: Operation) -> None:
    """A topic always has a policy: removing ours puts AWS's default back."""
    op.client("sns").set_topic_attributes(
        TopicArn=op.id,
        AttributeName="Policy",
        AttributeValue=_default_policy(op.id, op.config.account),
    )


def _subscribe(op: Operation) -> str:
    made = op.client("sns").subscribe(
        TopicArn=op.inputs["topic"],
        Protocol=op.inputs["protocol"],
        Endpoint=op.inputs["endpoint"],
        ReturnSubscriptionArn=True,
    )
    return str(made["SubscriptionArn"])


def _apply_subscription(op: Operation) -> None:
    for key, (name, kind) in SUBSCRIPTION.items():
        if op.inputs.get(key) not in (None, False) or op.olds.get(key):
            op.client("sns").set_subscription_attributes(
                SubscriptionArn=op.id,
                AttributeName=name,
                AttributeValue=_text(op.inputs.get(key) or "", kind) or "{}",
            )


def _read_subscription(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("sns").get_subscription_attributes(SubscriptionArn=op.id)["Attributes"]
    return _live(SUBSCRIPTION, found) | {
        "arn": found["SubscriptionArn"],
        "topic": found["TopicArn"],
        "protocol": found["Protocol"],
        "endpoint": found["Endpoint"],
        "ownerId": op.config.account,
        "pendingConfirmation": found.get("PendingConfirmation", "false") == "true",
        "confirmationWasAuthenticated": found.get("ConfirmationWasAuthenticated") == "true",
    }


def _unsubscribe(op: Operation) -> None:
    op.client("sns").unsubscribe(SubscriptionArn=op.id)


KINDS = {
    "aws:sns/topic:Topic": Kind(_create_topic, _read_topic, _delete_topic, _apply_topic),
    "aws:sns/topicPolicy:TopicPolicy": Kind(
        _put_policy, _read_policy, _delete_policy, _apply_policy
    ),
    "aws:sns/topicSubscription:TopicSubscription": Kind(
        _subscribe, _read_subscription, _unsubscribe, _apply_subscription
    ),
}
