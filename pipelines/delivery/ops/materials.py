"""What an image and the repository are made of, read from the files that pin it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from delivery.ops.gate import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where the image runs; markers of the locks are judged for it.
IMAGE_ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
    "extra": "",
}


class MaterialError(ValueError):
    """A file that should pin something does not."""


@dataclass(frozen=True, order=True)
class Package:
    """One package. `kind` is the type of a package URL: pypi or deb."""

    kind: str
    name: str
    version: str


def locked_packages(text: str, environment: dict[str, str] | None = None) -> list[Package]:
    """Packages of a pip lock, those whose marker holds in `environment`; all without one.

    Raises `MaterialError` for an entry without a version or without a hash.
    """
    found = []
    for entry in _entries(text):
        required = Requirement(entry.partition(" --hash")[0])
        pins = [each.version for each in required.specifier if each.operator == "=="]
        if len(pins) != 1 or "--hash=sha256:" not in entry:
            raise MaterialError(f"{required.name} is not pinned to one version with its hash")
        if environment and required.marker and not required.marker.evaluate(environment):
            continue
        found.append(Package("pypi", required.name.lower(), pins[0]))
    return sorted(set(found))


def _entries(text: str) -> Iterator[str]:
    """Logical lines of a requirements file, without comments."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in bare.replace("\\\n", " ").splitlines():
        entry = " ".join(line.split())
        if entry and not entry.startswith("-"):
            yield entry


def debian_packages(status: str) -> list[Package]:
    """Installed packages in the text of `/var/lib/dpkg/status`."""
    found = []
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.+)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found.append(Package("deb", fields["Package"], fields["Version"]))
    return sorted(found)


def base_image(text: str) -> str:
    """The one reference in the text, `repository:tag@sha256:…`.

    Raises `MaterialError` unless it is pinned by digest.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    references = [line for line in lines if not line.startswith("#")]
    if len(references) != 1 or not is_digest(references[0].partition("@")[2]):
        raise MaterialError("the base image must be one reference with its digest, name@sha256:…")
    return references[0]
