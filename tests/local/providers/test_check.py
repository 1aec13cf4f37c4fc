"""Inputs are judged and completed as the real provider does it."""

from typing import Any

import pytest

from localcloud.providers.aws import check, diff, naming
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.values import UNKNOWN
from localcloud.providers.errors import ProviderError

TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
BUCKET = "aws:s3/bucket:Bucket"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
SEED = naming.Request("jobs", b"seed")


@pytest.mark.parametrize(
    ("token", "inputs", "expected"),
    [
        pytest.param(
            QUEUE,
            {"nmae": "x"},
            "Invalid or unknown key. Examine values at 'one.nmae'.",
            id="unknown",
        ),
        pytest.param(
            ROLE_POLICY,
            {"role": "r"},
            'Missing required argument. The argument "policy" is required, but no definition was '
            "found. Examine values at 'one.policy'.",
            id="missing",
        ),
        pytest.param(
            QUEUE,
            {"tags": ["a"]},
            "expected object type, got array type. Examine values at 'one.tags'.",
            id="array for a map",
        ),
        pytest.param(
            TABLE,
            {"attributes": {"name": "pk", "type": "S"}},
            "expected array type, got object type. Examine values at 'one.attributes'.",
            id="object for an array",
        ),
        pytest.param(
            TABLE,
            {"attributes": [{"name": "pk"}]},
            'Missing required argument. The argument "type" is required, but no definition was '
            "found. Examine values at 'one.attributes[0].type'.",
            id="missing in a nested object",
        ),
        pytest.param(
            TABLE,
            {"ttl": {"attribute": "x"}},
            "Invalid or unknown key. Examine values at 'one.ttl.attribute'.",
            id="unknown in a nested object",
        ),
        pytest.param(
            QUEUE,
            {"delaySeconds": "soon"},
            "expected number type, got string type. Examine values at 'one.delaySeconds'.",
            id="text for a number",
        ),
        pytest.param(
            QUEUE,
            {"fifoQueue": "perhaps"},
            "expected bool type, got string type. Examine values at 'one.fifoQueue'.",
            id="text for a boolean",
        ),
    ],
)
def test_wrong_inputs_are_refused_in_the_real_words(
    token: str, inputs: dict[str, Any], expected: str
) -> None:
    assert check.failures(token, "one", inputs) == [expected]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({"delaySeconds": "5", "fifoQueue": "true"}, id="text that converts"),
        pytest.param({"name": 7}, id="number for a text"),
        pytest.param({"tags": UNKNOWN, "delaySeconds": UNKNOWN}, id="unknown values"),
    ],
)
def test_values_the_real_provider_converts_are_taken(inputs: dict[str, Any]) -> None:
    assert check.failures(QUEUE, "one", inputs) == []


def test_a_policy_given_as_an_object_becomes_its_json_text() -> None:
    inputs = {"role": "r", "policy": {"Version": "2012-10-17", "Statement": []}}

    checked = check.completed(ROLE_POLICY, inputs, {}, SEED, ProviderConfig())

    assert check.failures(ROLE_POLICY, "one", inputs) == []
    assert checked["policy"] == '{"Version": "2012-10-17", "Statement": []}'


def test_a_policy_with_an_unknown_part_is_unknown_as_a_whole() -> None:
    inputs = {"role": "r", "policy": {"Statement": [{"Resource": UNKNOWN}]}}

    checked = check.completed(ROLE_POLICY, inputs, {}, SEED, ProviderConfig())

    assert checked["policy"] == UNKNOWN


def test_defaults_region_and_name_are_filled_in_and_noted() -> None:
    checked = check.completed(
        QUEUE, {"delaySeconds": 5}, {}, SEED, ProviderConfig(region="eu-west-1")
    )

    assert checked["visibilityTimeoutSeconds"] == 30
    assert checked["region"] == "eu-west-1"
    assert checked["delaySeconds"] == 5
    assert {"name", "region", "visibilityTimeoutSeconds"} <= set(checked["__defaults"])
    assert "delaySeconds" not in checked["__defaults"]


def test_all_tags_are_the_defaults_under_the_resources_own() -> None:
    config = ProviderConfig(default_tags={"owner": "platform", "env": "local"})

    checked = check.completed(QUEUE, {"tags": {"env": "test"}}, {}, SEED, config)

    assert checked["tags"] == {"env": "test"}
    assert checked["tagsAll"] == {"owner": "platform", "env": "test"}


def test_all_tags_are_unknown_when_one_is() -> None:
    checked = check.completed(QUEUE, {"tags": {"a": UNKNOWN}}, {}, SEED, ProviderConfig())

    assert checked["tagsAll"] == UNKNOWN


def test_all_tags_leave_out_ignored_ones() -> None:
    config = ProviderConfig(ignored_tags=frozenset({"a"}), ignored_prefixes=("aws:",))

    checked = check.completed(QUEUE, {"tags": {"a": "1", "aws:x": "2", "b": "3"}}, {}, SEED, config)

    assert checked["tagsAll"] == {"b": "3"}


def test_a_resource_without_any_tag_has_no_tags_at_all() -> None:
    assert check.completed(QUEUE, {}, {}, SEED, ProviderConfig())["tagsAll"] == {}


# --- Names ---------------------------------------------------------------------------------------


def named(token: str, olds: dict[str, Any], request: naming.Request, **inputs: Any) -> Any:
    checked = check.completed(token, inputs, olds, request, ProviderConfig())
    return checked.get("bucket" if token == BUCKET else "name")


def test_a_generated_name_has_seven_hex_digits_and_survives_updates() -> None:
    first = check.completed(QUEUE, {}, {}, SEED, ProviderConfig())

    again = named(QUEUE, first, naming.Request("jobs", b"another seed"), delaySeconds=3)

    assert first["name"].startswith("jobs-")
    assert len(first["name"]) == len("jobs-") + 7
    assert int(first["name"][-7:], 16) >= 0
    assert again == first["name"]


def test_the_same_seed_gives_the_same_name() -> None:
    assert named(QUEUE, {}, SEED) == named(QUEUE, {}, SEED)


def test_a_name_or_prefix_of_the_programs_own_is_kept() -> None:
    assert named(QUEUE, {}, SEED, name="mine") == "mine"
    assert named(QUEUE, {}, SEED, namePrefix="mine-") is None


def test_a_name_taken_away_is_generated_anew() -> None:
    olds = check.completed(QUEUE, {"name": "mine"}, {}, SEED, ProviderConfig())

    assert named(QUEUE, olds, SEED).startswith("jobs-")


def test_names_are_cut_to_the_services_limit() -> None:
    long = naming.Request("x" * 100, b"seed")

    assert len(named("aws:lb/targetGroup:TargetGroup", {}, long)) == 32
    assert len(named(QUEUE, {}, long)) == 80


def test_bucket_names_are_lower_case() -> None:
    assert named(BUCKET, {}, naming.Request("Archive", b"seed")).startswith("archive-")


def test_the_stacks_naming_setting_is_obeyed() -> None:
    propose = naming.Request("jobs", b"", naming.Mode.PROPOSE, "Proposed")
    enforce = naming.Request("jobs", b"", naming.Mode.ENFORCE, "Exactly")

    assert named(BUCKET, {}, propose) == "proposed"
    assert named(BUCKET, {}, enforce) == "Exactly"
    with pytest.raises(ProviderError, match="automatic naming is disabled"):
        named(QUEUE, {}, naming.Request("jobs", b"", naming.Mode.DISABLE))
    with pytest.raises(ProviderError, match="at most 80"):
        named(QUEUE, {}, naming.Request("jobs", b"", naming.Mode.PROPOSE, "x" * 81))


# --- Differences ---------------------------------------------------------------------------------


def changes(token: str, olds: dict[str, Any], news: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(one.path, one.kind, one.replaces) for one in diff.changes(token, olds, news)]


def test_a_difference_names_its_path() -> None:
    olds = {"tags": {"a": "1", "b.c": "2"}, "ttl": {"enabled": True, "__defaults": []}}
    news = {"tags": {"a": "2"}, "ttl": {"enabled": False}, "rangeKey": "sk"}

    assert changes(TABLE, olds, news) == [
        ("rangeKey", "ADD", True),
        ("tags.a", "UPDATE", False),
        ('tags["b.c"]', "DELETE", False),
        ("ttl.enabled", "UPDATE", False),
    ]


def test_an_unknown_value_is_a_change() -> None:
    assert changes(QUEUE, {"kmsMasterKeyId": "k"}, {"kmsMasterKeyId": UNKNOWN}) == [
        ("kmsMasterKeyId", "UPDATE", False)
    ]


def test_a_document_laid_out_differently_is_no_change() -> None:
    assert changes(QUEUE, {"policy": '{"a": 1}'}, {"policy": '{\n "a":1}'}) == []
