"""The packs on programs that are not ours: plain resources, another language, other names."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails.registry import registry
from guardrails.summary import RUN, catalogue_part
from guardrails.verdicts import Verdict, merged

ROOT = Path(__file__).parents[2]
PLAIN = """
shop = aws.s3.Bucket("shop-assets")
web = aws.ec2.SecurityGroup("web", ingress=[
    {"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}])
host = aws.ec2.Instance("host", instance_type="t3.micro", ami="ami-1",
    user_data="DATABASE=postgres://app:correct-horse@db/shop")
aws.s3.BucketPublicAccessBlock("shop-assets", bucket=shop.id, block_public_acls=True,
    block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True)
"""


def test_a_plain_program_is_judged_without_any_error(harness: Any) -> None:
    declared = harness.record(PLAIN)

    records = merged(harness.Bench(list(registry().values())).run(declared))

    found = {(r.control, r.urn.rpartition("::")[2]): r.verdict for r in records}
    assert Verdict.ERROR not in found.values()
    assert {r.control for r in records} == set(registry())
    assert found["VPC-04", "web"] is Verdict.FAIL
    assert found["S3-01", "shop-assets"] is Verdict.PASS
    assert found["S3-04", "shop-assets"] is Verdict.FAIL
    assert found["SEC-05", "host"] is Verdict.FAIL
    # No control has considered aws.ec2.Instance.
    assert found["ACC-10", "program-prod"] is Verdict.FAIL


@pytest.fixture
def yaml_export(tmp_path: Path) -> Path:
    """An export as the YAML runtime leaves it: default provider, camel case, outputs beside."""
    prefix = "urn:pulumi:live::webshop"
    provider = f"{prefix}::pulumi:providers:aws::default_7_1_0"
    bucket = f"{prefix}::aws:s3/bucketV2:BucketV2::assets"
    resources = [
        {"urn": f"{prefix}::pulumi:pulumi:Stack::webshop-live", "type": "pulumi:pulumi:Stack"},
        {"urn": provider, "custom": True, "id": "p-1", "type": "pulumi:providers:aws",
         "inputs": {"region": "eu-west-1"}, "outputs": {"region": "eu-west-1"}},
        {"urn": bucket, "custom": True, "id": "assets-1", "type": "aws:s3/bucketV2:BucketV2",
         "inputs": {"bucket": "assets-1"}, "provider": f"{provider}::p-1",
         "outputs": {"bucket": "assets-1", "arn": "arn:aws:s3:::assets-1", "id": "assets-1"}},
        {"urn": f"{prefix}::aws:s3/bucketVersioningV2:BucketVersioningV2::assets", "custom": True,
         "id": "assets-1", "type": "aws:s3/bucketVersioningV2:BucketVersioningV2",
         "inputs": {"bucket": "assets-1", "versioningConfiguration": {"status": "Enabled"}},
         "provider": f"{provider}::p-1", "dependencies": [bucket],
         "propertyDependencies": {"bucket": [bucket], "versioningConfiguration": []}},
    ]  # fmt: skip
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    return path


def test_an_export_of_another_language_is_judged_from_any_directory(yaml_export: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", "check", yaml_export.name, "--format", "json"],
        cwd=yaml_export.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT / "policies")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    evidence = json.loads(done.stdout)
    found = {v["control"]: v["verdict"] for v in evidence["verdicts"]}

    assert done.returncode == 1
    assert evidence["header"]["project"] == "webshop"
    assert evidence["header"]["stack"] == "live"
    assert (found["S3-04"], found["S3-01"], found["ACC-08"]) == ("PASS", "FAIL", "FAIL")
    assert "ERROR" not in found.values()


def test_the_summary_is_the_generated_one() -> None:
    page = (ROOT / "docs" / "COMPLIANCE_IMPLEMENTATION_SUMMARY.md").read_text(encoding="utf-8")
    scope = (ROOT / "policies" / "scope.md").read_text(encoding="utf-8")

    written, _, run = page.partition(RUN)

    assert written == catalogue_part(registry().values(), scope) + "\n", (
        "run: python -m guardrails summary EVIDENCE.json --scope policies/scope.md --out"
        " docs/COMPLIANCE_IMPLEMENTATION_SUMMARY.md"
    )
    assert "Stack `production`" in run
    assert "compliant" not in page.lower()


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_summary_of_no_bundle_says_what_to_do(run: Any, tmp_path: Path, content: str) -> None:
    evidence, scope = tmp_path / "evidence.json", tmp_path / "scope.md"
    evidence.write_text(content)
    scope.write_text("Everything.")

    done = run("summary", evidence, "--scope", scope, "--out", tmp_path / "out.md")

    assert done.returncode == 2
    assert "do:" in done.stderr
    assert "Traceback" not in done.stderr
