"""Bills of materials in CycloneDX 1.6, checked against its schema before they leave."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from delivery.ops.materials import Package

# One subject at one version has one serial number, however often its bill is written.
SERIAL_NAMESPACE = uuid.UUID("8f3f0a55-8b0c-5f0e-9d5c-3c0f3e6f7a11")


class InvalidBillError(Exception):
    """The bill is not valid CycloneDX; the message says where."""


def image_bill(name: str, tag: str, base: str, packages: Iterable[Package]) -> str:
    """The bill of an image as JSON: its packages, and the base it was built on."""
    repository, _, digest = base.partition("@")
    base_component = Component(
        type=ComponentType.CONTAINER,
        name=repository.rpartition(":")[0],
        version=repository.rpartition(":")[2],
        bom_ref="base-image",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:"))],
    )
    subject = Component(type=ComponentType.CONTAINER, name=name, version=tag, bom_ref="image")
    components = [base_component, *(_component(each) for each in packages)]
    return _render(subject, components)


def repository_bill(
    name: str, version: str, shipped: Iterable[Package], tools: Iterable[Package]
) -> str:
    """The bill of the repository: what is shipped, and the tools it is made with as `excluded`."""
    subject = Component(
        type=ComponentType.APPLICATION, name=name, version=version, bom_ref="repository"
    )
    run = set(shipped)
    components = [_component(each) for each in sorted(run)]
    components += [_component(each, ComponentScope.EXCLUDED) for each in sorted(set(tools) - run)]
    return _render(subject, components)


def _component(package: Package, scope: ComponentScope = ComponentScope.REQUIRED) -> Component:
    namespace = "debian" if package.kind == "deb" else None
    url = PackageURL(package.kind, namespace, package.name, package.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=url,
        bom_ref=url.to_string(),
        scope=scope,
    )


def _render(subject: Component, components: list[Component]) -> str:
    bill = Bom(
        serial_number=uuid.uuid5(SERIAL_NAMESPACE, f"{subject.name}:{subject.version}"),
        components=components,
    )
    bill.metadata.component = subject
    bill.register_dependency(subject, components)
    text = JsonV1Dot6(bill).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise InvalidBillError(str(error).partition("\n")[0])
    return text
