"""Stacks read from files: what of a state or an event stream becomes of each resource."""

import json
from pathlib import Path
from typing import Any

import pytest

from guardrails.sources import UnusableInputError, load

TOPIC = "aws:sns/topic:Topic"
ROOT = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
HOME = "urn:pulumi:dev::app::pulumi:providers:aws::home"
NEWS = f"urn:pulumi:dev::app::{TOPIC}::news"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(text: str, stack: str | None = None) -> Any:
        path = tmp_path / "file.json"
        path.write_text(text, encoding="utf-8")
        return load(path, stack)

    return read


def entry(urn: str, **fields: Any) -> dict[str, Any]:
    return {"urn": urn, "type": urn.split("::")[2], **fields}


def state(*entries: dict[str, Any], version: int = 3) -> str:
    return json.dumps({"version": version, "deployment": {"resources": entries}})


def step(urn: str, op: str = "create", event: str = "resourcePreEvent", **new: Any) -> str:
    metadata = {"urn": urn, "op": op, "new": {"type": urn.split("::")[2], **new}}
    return json.dumps({event: {"metadata": metadata}})


@pytest.mark.parametrize("root", [[entry(ROOT)], []], ids=["with its root", "without"])
def test_stack_and_project_are_those_of_the_urns(read: Any, root: list[Any]) -> None:
    source = read(state(*root, entry(NEWS)))

    assert (source.kind, source.stack, source.project) == ("state", "dev", "app")
    assert read(state(*root, entry(NEWS)), "prod").stack == "prod"


def test_the_root_names_the_project_wherever_it_stands(read: Any) -> None:
    foreign = entry(f"urn:pulumi:old::other::{TOPIC}::t")

    assert read(state(foreign, entry(ROOT))).project == "app"
    assert read(state(foreign, entry(NEWS))).project == "other"


def test_a_state_may_be_empty_and_a_urn_short(read: Any) -> None:
    assert (read(state()).stack, read(state()).project) == ("", "")
    assert read(state({"urn": "urn:pulumi:dev::app", "type": TOPIC})).project == "app"
    assert read(state({"urn": "urn:pulumi:dev", "type": TOPIC})).project == ""


def test_a_state_without_root_has_the_one_its_resources_imply(read: Any) -> None:
    graph = read(state(entry(NEWS))).graph

    assert graph.stack().urn == ROOT
    assert [resource.urn for resource in graph.resources] == [ROOT, NEWS]
    assert read(state()).graph.stack() is None


@pytest.mark.parametrize(("version", "usable"), [(2, ""), (3, "yes"), (4, "yes"), (5, "")])
def test_the_schema_versions_of_current_engines_are_read(
    read: Any, version: int, usable: str
) -> None:
    if usable:
        assert len(read(state(entry(ROOT), version=version)).graph.resources) == 1
        return
    with pytest.raises(UnusableInputError) as refused:
        read(state(entry(ROOT), version=version))
    assert refused.value.why == "its schema version is none of 3, 4"


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"inputs": {"name": "in"}, "outputs": {"name": "out"}}, {"name": "in"}),
        ({"inputs": {}, "outputs": {"name": "out"}}, {}),
        ({"inputs": {}, "outputs": {"name": "out"}, "external": True}, {"name": "out"}),
        ({"inputs": {"name": "in"}, "outputs": {"name": "out"}, "external": True}, {"name": "in"}),
    ],
    ids=["managed", "nothing declared", "only read", "read by name"],
)
def test_a_resource_is_what_was_declared_unless_it_is_only_read(
    read: Any, fields: dict[str, Any], seen: dict[str, Any]
) -> None:
    resource = read(state(entry(NEWS, **fields))).graph.by_urn[NEWS]

    assert resource.value == seen
    assert resource.outputs == {"name": "out"}


def test_a_state_says_what_the_engine_knows_of_a_resource(read: Any) -> None:
    fields = {"id": "arn:1", "parent": ROOT, "protect": True, "ignoreChanges": ["policy", 7],
              "dependencies": [HOME], "propertyDependencies": {"name": [HOME], "tags": None},
              "provider": f"{HOME}::0a1b"}  # fmt: skip
    home = entry(HOME, inputs={"region": "eu-west-1"})
    gone = entry(f"{NEWS}-old", delete=True)

    graph = read(state(entry(ROOT), home, entry(NEWS, **fields), gone)).graph
    news = graph.by_urn[NEWS]

    assert f"{NEWS}-old" not in graph.by_urn
    assert news.outputs["id"] == "arn:1"
    assert (news.parent, news.protect, news.ignore_changes) == (ROOT, True, ("policy",))
    assert news.dependencies == (HOME,)
    assert news.property_dependencies == {"name": (HOME,), "tags": ()}
    assert (news.provider_type, news.provider.value) == ("pulumi:providers:aws",
                                                         {"region": "eu-west-1"})  # fmt: skip
    assert graph.by_urn[ROOT].provider is None


def test_an_event_stream_says_what_a_preview_would_leave(read: Any) -> None:
    source = read(
        "\n".join(
            (
                step(ROOT),
                step(HOME, inputs={"region": "eu-west-1"}),
                step(NEWS, inputs={"name": "n"}, provider=f"{HOME}::id", parent=ROOT, protect=True),
                step(f"{NEWS}-read", "read", "resOutputsEvent", outputs={"name": "r"}),
                step(f"{NEWS}-gone", "delete"),
                json.dumps({"summaryEvent": {}}),
                "",
            )
        )
    )
    news, only_read = (source.graph.by_urn[urn] for urn in (NEWS, f"{NEWS}-read"))

    assert (source.kind, source.stack, source.project) == ("events", "dev", "app")
    assert len(source.graph.resources) == 4
    assert (news.value, news.parent, news.protect) == ({"name": "n"}, ROOT, True)
    assert (news.provider_type, news.provider.value) == ("pulumi:providers:aws",
                                                         {"region": "eu-west-1"})  # fmt: skip
    assert (only_read.value, only_read.outputs) == ({"name": "r"}, {"name": "r"})
    assert (only_read.provider, only_read.provider_type, only_read.parent) == (None, "", "")


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ("{", "the file is not JSON", "line 1 does not parse"),
        (f"{step(ROOT)}\n{{", "the file is truncated or not JSON", "line 2 does not parse"),
        (f"{step(ROOT)}\n\n{{", "the file is truncated or not JSON", "line 3 does not parse"),
        ("\n \n", "the file is empty", "it holds no JSON"),
        ("[]\n", "the file is neither an exported state nor a preview event stream",
         "a line holds no event object"),
        ('{"steps": []}', "the file is neither an exported state nor a preview event stream",
         "it is the digest of `pulumi preview --json`, which lists no policy events"),
        ('{"preludeEvent": {}}', "the file is neither an exported state nor a preview event stream",
         "no event in it describes a resource"),
        ('{"version": 3, "deployment": {"resources": [7]}}', "the file is no exported state",
         "resource 0 is no object"),
        ('{"version": 3, "deployment": {"resources": [{"urn": "a"}]}}',
         "the file is no exported state", "resource 0 has no URN or no type"),
    ],
)  # fmt: skip
def test_an_unusable_file_is_told_apart(read: Any, text: str, what: str, why: str) -> None:
    with pytest.raises(UnusableInputError) as refused:
        read(text)

    assert (refused.value.what, refused.value.why) == (what, why)
