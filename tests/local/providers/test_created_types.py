"""Every really created type against a real embedded AWS."""

import sys
from pathlib import Path
from typing import Any

import pytest
from localcloud.providers.aws import kinds

sys.path.insert(0, str(Path(__file__).parent))
from samples import SAMPLES, Sample  # noqa: E402 - lies beside this file, which is no package

pytestmark = pytest.mark.emulator

every = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.title)
changeable = pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.change], ids=lambda sample: sample.title
)
drifting = pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.drift], ids=lambda sample: sample.title
)


def test_every_created_type_has_a_sample() -> None:
    assert {sample.token for sample in SAMPLES} == kinds.created_types()


@every
def test_a_created_resource_is_what_was_asked_for(sample: Sample, bench: Any) -> None:
    program = sample.inputs(bench)

    one = bench.resource(sample.token).create(program)

    assert one.id
    assert {key: one.outputs[key] for key in program} == program


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
    assert {key: one.outputs.get(key) or None for key in changed} == {
        key: value or None for key, value in changed.items()
    }
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


# What AWS has no way to remove: a queue or topic attribute falls back to a default, a version of a
# secret stays until the secret goes.
KEPT_BY_AWS = {
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicPolicy:TopicPolicy",
}
