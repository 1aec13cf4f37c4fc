"""What the verbs ask AWS and have it do; every decision stands elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from delivery.naming import METRIC_NAMESPACE, REPOSITORY
from delivery.ops.gate import COMPLETE
from delivery.ops.observe import Clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from delivery.ops.secrets import Sealed

WAITING = frozenset({"PENDING", "IN_PROGRESS", "SCAN_ELIGIBILITY_EXPIRED", "MISSING"})
SCAN_POLL_SECONDS = 15


def store_secret(sealed: Sealed, client: SecretsManagerClient | None = None) -> str:
    """Make `sealed` the current version; storing it again changes nothing. Returns the version."""
    secrets = client or boto3.client("secretsmanager")
    answer = secrets.put_secret_value(
        SecretId=sealed.secret, SecretString=sealed.text, ClientRequestToken=sealed.token
    )
    return answer["VersionId"]


def observers() -> Clients:
    """Clients that only look."""
    return Clients(
        ecs=boto3.client("ecs"), cloudwatch=boto3.client("cloudwatch"), sns=boto3.client("sns")
    )


@dataclass(frozen=True, kw_only=True)
class EcrRegistry:
    """The approved repository. `client` is boto3's for ECR."""

    client: ECRClient
    repository: str = REPOSITORY

    def holds(self, digest: str) -> bool:
        """Whether the image is there."""
        return self._find({"imageDigest": digest}) is not None

    def digest_of(self, tag: str) -> str | None:
        """Digest under an immutable tag, or None."""
        return self._find({"imageTag": tag})

    def _find(self, image: Any) -> str | None:
        try:
            found = self.client.describe_images(repositoryName=self.repository, imageIds=[image])
        except self.client.exceptions.ImageNotFoundException:
            return None
        return found["imageDetails"][0]["imageDigest"]

    def scan(self, digest: str, seconds: float, pause: Callable[[float], object]) -> dict[str, Any]:
        """The findings, once the scan is over or `seconds` have passed; the gate judges both."""
        while True:
            answer = self._findings(digest)
            status = answer.get("imageScanStatus", {}).get("status", "MISSING")
            if status in COMPLETE or status not in WAITING or seconds <= 0:
                return answer
            pause(SCAN_POLL_SECONDS)
            seconds -= SCAN_POLL_SECONDS

    def _findings(self, digest: str) -> dict[str, Any]:
        """All pages as one answer; a scan that has not begun is one without a status."""
        pages = self.client.get_paginator("describe_image_scan_findings").paginate(
            repositoryName=self.repository, imageId={"imageDigest": digest}
        )
        merged: dict[str, Any] = {"imageScanFindings": {"findings": [], "enhancedFindings": []}}
        try:
            for page in pages:
                merged["imageScanStatus"] = page.get("imageScanStatus", {})
                for kind in ("findings", "enhancedFindings"):
                    found = page.get("imageScanFindings", {}).get(kind, ())
                    merged["imageScanFindings"][kind] += found
        except self.client.exceptions.ScanNotFoundException:
            return {}
        return merged


def registry() -> EcrRegistry:
    """The approved repository in the account and region of the environment."""
    return EcrRegistry(client=boto3.client("ecr"))


def publish(metrics: Iterable[dict[str, Any]]) -> str:
    """Send metrics; returns why it failed, empty when it did not. A release never fails of it."""
    try:
        data: Any = list(metrics)  # plain documents; boto3 checks their shape
        boto3.client("cloudwatch").put_metric_data(Namespace=METRIC_NAMESPACE, MetricData=data)
    except ClientError as error:
        return str(error)
    return ""
