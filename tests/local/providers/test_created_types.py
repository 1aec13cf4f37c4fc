"""Every really created type against a real embedded AWS."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.providers.aws import kinds, schema
from localcloud.providers.aws.values import equivalent

sys.path.insert(0, str(Path(__file__).parent))
from samples import SAMPLES, Sample  # type: ignore[import-not-found] # beside this file

ARN = re.compile(r"arn:aws:[a-z0-9-]+:([a-z0-9-]+:000000000000|:000000000000|:):.+")

pytestmark = pytest.mark.emulator

every = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.title)
changeable = pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.change], ids=lambda sample: sample.title
)
drifting = pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.drift], ids=lambda sample: sample.title
)


def says(outputs: Any, program: Any) -> bool:
    """Whether outputs hold what a program asked for; AWS may know more about an object."""
    assert {
        k: outputs.get(k) or None for k, v in program.items() if not equivalent(v, outputs[k])
    } == {}
    return True


def test_every_created_type_has_a_sample() -> None:
    assert {sample.token for sample in SAMPLES} == kinds.created_types()


@every
def test_a_created_resource_is_what_was_asked_for(sample: Sample, bench: Any) -> None:
    program = sample.inputs(bench)

    one = bench.resource(sample.token).create(program)

    known = schema.resource(sample.token).outputs
    assert one.id
    assert says(one.outputs, program)
    assert [k for k, o in known.items() if not o.optional and k not in one.outputs] == []
    assert ARN.match(one.outputs.get("arn", "arn:aws:none:::none"))


@every
def test_a_second_deployment_changes_nothing(sample: Sample, bench: Any) -> None:
    program = sample.inputs(bench)
    one = bench.resource(sample.token).create(program)
    before = dict(one.outputs)

    assert one.changes(program) == []
    assert one.refresh()
    assert one.changes(program) == []
    assert one.outputs == before


@changeable
def test_a_change_reaches_the_live_resource(sample: Sample, bench: Any) -> None:
    program = sample.inputs(bench)
    one = bench.resource(sample.token).create(program)
    changed = program | sample.change
    identity = one.id

    one.update(changed)

    assert one.id == identity
    assert one.refresh()
    assert says(one.outputs, changed)
    assert one.changes(changed) == []


@every
def test_a_change_aws_has_no_call_for_replaces(sample: Sample, bench: Any) -> None:
    assert sample.replacing is not None
    key, value = sample.replacing
    program = sample.inputs(bench)
    one = bench.resource(sample.token).create(program)

    found = one.changes(program | {key: value})

    assert [change.replaces for change in found if change.path.startswith(key)] == [True]


@drifting
def test_drift_is_seen_and_repaired(sample: Sample, bench: Any, cloud: Any) -> None:
    assert sample.drift is not None
    program = sample.inputs(bench)
    one = bench.resource(sample.token).create(program)
    wanted = one.outputs[sample.drifted]

    sample.drift(cloud, one)

    assert one.refresh()
    found = one.changes(program)
    assert any(change.path.startswith(sample.drifted) for change in found)
    assert not any(change.replaces for change in found)
    one.update(program)
    assert one.refresh()
    assert one.outputs[sample.drifted] == wanted
    assert one.changes(program) == []


@every
def test_a_deleted_resource_is_gone(sample: Sample, bench: Any) -> None:
    one = bench.resource(sample.token).create(sample.inputs(bench))

    one.delete()

    if sample.token not in KEPT_BY_AWS:
        assert not one.refresh()


@every
def test_deleting_twice_is_no_error(sample: Sample, bench: Any) -> None:
    one = bench.resource(sample.token).create(sample.inputs(bench))

    one.delete()
    one.delete()


# What AWS has no way to remove: it falls back to a default, or stays until its owner goes.
KEPT_BY_AWS = {
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicPolicy:TopicPolicy",
}
