"""How an image came to be, as an in-toto statement with SLSA's provenance predicate, version 1.

It is not signed: it lies in the evidence under Object Lock, and names image, commit and base by
digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://budgetbuddy.com/delivery/image/v1"
SHA256 = "sha256"


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """One build. Digests are `sha256:` and 64 hex digits, times ISO 8601, `bill_sha256` plain hex.

    `builder` is the ARN of the build project, `invocation` that of the build.
    """

    repository: str
    digest: str
    source: str
    commit: str
    base: str
    requirements_sha256: str
    bill_sha256: str
    builder: str
    invocation: str
    started: str
    finished: str


def provenance(build: ImageBuild) -> dict[str, Any]:
    """The statement about the image of `build`."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": build.repository, "digest": _digest(build.digest)}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "source": build.source,
                    "commit": build.commit,
                    "dockerfile": "service/Dockerfile",
                    "platform": "linux/arm64",
                },
                "internalParameters": {},
                "resolvedDependencies": [
                    {"uri": f"git+{build.source}", "digest": {"gitCommit": build.commit}},
                    {"uri": build.base.partition("@")[0], "digest": _digest(build.base)},
                    {
                        "uri": "service/requirements.txt",
                        "digest": {SHA256: build.requirements_sha256},
                    },
                ],
            },
            "runDetails": {
                "builder": {"id": build.builder},
                "metadata": {
                    "invocationId": build.invocation,
                    "startedOn": build.started,
                    "finishedOn": build.finished,
                },
                "byproducts": [{"name": "sbom.json", "digest": {SHA256: build.bill_sha256}}],
            },
        },
    }


def _digest(reference: str) -> dict[str, str]:
    return {SHA256: reference.rpartition("sha256:")[2]}
