"""IAM between the service's SDK and the embedded AWS: what the role does not allow is refused.

The embedded AWS cannot do it: moto's own enforcement knows neither resources nor conditions, and
refuses every document that names them. Here a call becomes the requests that IAM would judge
(action, ARN, context), and a document is judged as IAM does: a Deny that applies, then an Allow
whose conditions hold; a key that the context lacks does not hold.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.model import OperationModel

WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
CHECKS = {"ConditionCheck": "ConditionCheckItem"}
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What IAM is asked about one call."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The account that calls are made in, and the aliases of its data key."""

    account: str
    region: str
    aliases: tuple[str, ...]

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource there."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def requests_of(
    place: Place, service: str, operation: str, params: Mapping[str, Any]
) -> Iterator[Request]:
    """Every request behind one call. Raises LookupError for a service nobody has thought of."""
    match service:
        case "dynamodb":
            for action, resource in _on_tables(operation, params):
                yield Request(
                    action=f"dynamodb:{action}", resource=place.arn("dynamodb", f"table/{resource}")
                )
        case "kms":
            bound = params.get("EncryptionContext") or {}
            context = {f"kms:EncryptionContext:{key}": (value,) for key, value in bound.items()}
            yield Request(
                action=f"kms:{operation}",
                resource=place.arn("kms", "key/1"),
                context={**context, "kms:ResourceAliases": place.aliases},
            )
        case "ses":
            sender = str(params["Source"])
            yield Request(
                action=f"ses:{operation}",
                resource=place.arn("ses", f"identity/{sender.partition('@')[2]}"),
                context={"ses:FromAddress": (sender,)},
            )
        case "sqs":
            name = str(params["QueueUrl"]).rpartition("/")[2]
            yield Request(action=f"sqs:{operation}", resource=place.arn("sqs", name))
        case _:
            raise LookupError(f"which permissions does {service}:{operation} take?")


def _on_tables(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(action, table or index); a transaction takes the permissions of its parts."""
    match operation:
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                ((kind, part),) = item.items()
                yield {**WRITES, **CHECKS}[kind], part["TableName"]
        case "TransactGetItems":
            for item in params["TransactItems"]:
                yield "GetItem", item["Get"]["TableName"]
        case "BatchGetItem" | "BatchWriteItem":
            for table in params["RequestItems"]:
                yield operation, table
        case _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield operation, f"{params['TableName']}{index}"


def is_allowed(document: list[Mapping[str, Any]], request: Request) -> bool:
    """IAM's answer for one request."""
    about = [each for each in document if _is_about(each, request)]
    effects = {each["Effect"] for each in about if _holds(each, request.context)}
    return "Allow" in effects and "Deny" not in effects


def _is_about(statement: Mapping[str, Any], request: Request) -> bool:
    return any(
        fnmatchcase(request.action.lower(), each.lower()) for each in _list(statement["Action"])
    ) and any(fnmatchcase(request.resource, each) for each in _list(statement["Resource"]))


def _holds(statement: Mapping[str, Any], context: Context) -> bool:
    return all(
        _is_true(operator, context.get(key, ()), _list(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _is_true(operator: str, given: tuple[str, ...], wanted: list[str]) -> bool:
    match operator:
        case "StringEquals" | "ForAnyValue:StringEquals":
            return any(value in wanted for value in given)
        case "StringLike" | "ArnLike":
            return any(fnmatchcase(value, each) for value in given for each in wanted)
        case "Null":
            return (not given) == (wanted == ["true"])
    raise LookupError(f"the condition operator {operator} is not known here")


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@dataclass(kw_only=True)
class TaskRole:
    """A role in force: `template` is its document's JSON, written for tables of prefix `tables`.

    `used` collects what was asked of it and allowed.
    """

    place: Place
    template: str
    tables: str
    used: set[tuple[str, str]] = field(default_factory=set)
    _document: list[Mapping[str, Any]] = field(default_factory=list)

    def guard(self, prefix: str) -> None:
        """Judge by the document for tables of another prefix; before, nothing is allowed."""
        text = self.template.replace(f"table/{self.tables}-", f"table/{prefix}-")
        self._document = json.loads(text)["Statement"]

    def restrict(self, session: boto3.session.Session) -> boto3.session.Session:
        """Refuse, in clients that `session` makes from now on, what the document does not allow."""
        session.events.register("before-parameter-build", self._judge)
        return session

    def _judge(self, params: Mapping[str, Any], model: OperationModel, **_: Any) -> None:
        service = str(model.service_model.service_name)
        for request in requests_of(self.place, service, model.name, params):
            if not is_allowed(self._document, request):
                message = f"not authorized to perform {request.action} on {request.resource}"
                raise ClientError(
                    {"Error": {"Code": "AccessDeniedException", "Message": message}}, model.name
                )
            self.used.add((request.action, request.resource))
