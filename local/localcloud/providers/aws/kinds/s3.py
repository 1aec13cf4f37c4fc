"""Buckets and the configurations that are resources of their own, each named by its bucket."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.providers.aws.kinds.kind import Kind, Operation, is_gone, pairs, unpaired
from localcloud.providers.aws.kinds.spelling import from_api, to_api
from localcloud.providers.errors import ProviderError

NAMES = {"id": "ID", "sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
HOME = "us-east-1"  # the one region whose buckets are made without a location
# Kept by resources of their own; set on the bucket they would be configured twice.
INLINE = (
    "acl",
    "corsRules",
    "grants",
    "lifecycleRules",
    "logging",
    "objectLockConfiguration",
    "policy",
    "replicationConfiguration",
    "serverSideEncryptionConfiguration",
    "versioning",
    "website",
)
ZONES = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-west-2": "Z3BJ6K6RIION7M",
    "eu-west-1": "Z1BKCTXD74EZPE",
}


def _create_bucket(op: Operation) -> str:
    inline = [key for key in INLINE if op.inputs.get(key)]
    if inline:
        raise ProviderError(
            f"bucket {op.name} sets {', '.join(inline)} inline: the stand-in makes these only as "
            "resources of their own (aws.s3.BucketVersioning and so on)"
        )
    name, region = str(op.inputs["bucket"]), str(op.inputs.get("region") or op.config.region)
    location: dict[str, Any] = (
        {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    op.client("s3").create_bucket(
        Bucket=name, ObjectLockEnabledForBucket=bool(op.inputs.get("objectLockEnabled")), **location
    )
    return name


def _apply_bucket(op: Operation) -> None:
    s3 = op.client("s3")
    if op.tags:
        s3.put_bucket_tagging(Bucket=op.id, Tagging={"TagSet": pairs(op.tags)})
    elif _bucket_tags(op):
        s3.delete_bucket_tagging(Bucket=op.id)


def _or_none(call: Callable[[], Any]) -> Any:
    """A configuration, or None when it was never set: S3 answers that with an error."""
    try:
        return call()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def _bucket_tags(op: Operation) -> dict[str, str]:
    found = _or_none(lambda: op.client("s3").get_bucket_tagging(Bucket=op.id))
    return unpaired(found["TagSet"]) if found else {}


def _read_bucket(op: Operation) -> Mapping[str, Any] | None:
    s3 = op.client("s3")
    s3.head_bucket(Bucket=op.id)
    region = s3.get_bucket_location(Bucket=op.id).get("LocationConstraint") or HOME
    locked = _or_none(lambda: s3.get_object_lock_configuration(Bucket=op.id))
    return {
        "arn": f"arn:{op.config.partition}:s3:::{op.id}",
        "bucket": op.id,
        "bucketDomainName": f"{op.id}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{op.id}.s3.{region}.amazonaws.com",
        "hostedZoneId": ZONES.get(region, ""),
        "objectLockEnabled": locked is not None,
        "tagsAll": _bucket_tags(op),
    }


def _delete_bucket(op: Operation) -> None:
    s3 = op.client("s3")
    if op.inputs.get("forceDestroy"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=op.id):
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=op.id, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=op.id)


def _part(
    put: Callable[[Operation, str], Any],
    read: Callable[[Any, str], Mapping[str, Any] | None],
    delete: Callable[[Any, str], Any],
) -> Kind:
    """A configuration of a bucket as a resource; its id is the bucket's name."""

    def create(op: Operation) -> str:
        bucket = str(op.inputs["bucket"])
        put(op, bucket)
        return bucket

    def apply(op: Operation) -> None:
        put(op, op.id)

    def live(op: Operation) -> Mapping[str, Any] | None:
        found = read(op.client("s3"), op.id)
        return None if found is None else {"bucket": op.id, **found}

    def remove(op: Operation) -> None:
        delete(op.client("s3"), op.id)

    return Kind(create, live, remove, apply)


ACCESS_FLAGS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def _put_access_block(op: Operation, bucket: str) -> None:
    flags = {name: bool(op.inputs.get(key)) for key, name in ACCESS_FLAGS.items()}
    op.client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=flags)


def _read_access_block(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    found = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return {key: bool(found.get(name)) for key, name in ACCESS_FLAGS.items()}


def _put_versioning(op: Operation, bucket: str) -> None:
    wanted = op.inputs["versioningConfiguration"]
    configuration = {"Status": wanted["status"]}
    if wanted.get("mfaDelete"):
        configuration["MFADelete"] = wanted["mfaDelete"]
    if wanted["status"] != "Disabled":  # the state of a bucket whose versioning was never set
        op.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)


def _read_versioning(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    status = s3.get_bucket_versioning(Bucket=bucket).get("Status", "Disabled")
    return {"versioningConfiguration": {"status": status}}


def _suspend_versioning(s3: Any, bucket: str) -> None:
    """Versioning cannot be removed, only suspended; a bucket with Object Lock keeps it."""
    if _or_none(lambda: s3.get_object_lock_configuration(Bucket=bucket)) is None:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def _put_encryption(op: Operation, bucket: str) -> None:
    op.client("s3").put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": to_api(op.inputs["rules"], NAMES)},
    )


def _read_encryption(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    return {"rules": from_api(found["Rules"], NAMES)}


def _put_lifecycle(op: Operation, bucket: str) -> None:
    rules = [{"Filter": {"Prefix": ""}} | rule for rule in to_api(op.inputs["rules"], NAMES)]
    op.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [_tagged(rule) for rule in rules]}
    )


def _tagged(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule whose `and` filter lists its tags as pairs, as the service wants them."""
    both = rule["Filter"].get("And") or {}
    if isinstance(both.get("Tags"), dict):
        return rule | {"Filter": {"And": both | {"Tags": pairs(both["Tags"])}}}
    return rule


def _read_lifecycle(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    rules = from_api(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"], NAMES)
    for rule in rules:
        both = (rule.get("filter") or {}).get("and") or {}
        if isinstance(both.get("tags"), list):
            both["tags"] = unpaired(both["tags"], "key", "value")
    return {"rules": rules}


def _put_policy(op: Operation, bucket: str) -> None:
    op.client("s3").put_bucket_policy(Bucket=bucket, Policy=op.inputs["policy"])


def _read_policy(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    return {"policy": policy if isinstance(policy, str) else json.dumps(policy)}


def _put_ownership(op: Operation, bucket: str) -> None:
    rule = to_api(op.inputs["rule"], NAMES)
    op.client("s3").put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [rule]}
    )


def _read_ownership(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    return {"rule": from_api(rules[0], NAMES)}


def _put_logging(op: Operation, bucket: str) -> None:
    enabled = {
        "TargetBucket": op.inputs["targetBucket"],
        "TargetPrefix": op.inputs.get("targetPrefix") or "",
    }
    op.client("s3").put_bucket_logging(
        Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled}
    )


def _read_logging(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    found = s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
    if not found:
        return None
    return {"targetBucket": found["TargetBucket"], "targetPrefix": found.get("TargetPrefix", "")}


def _put_lock(op: Operation, bucket: str) -> None:
    configuration = {"ObjectLockEnabled": op.inputs["objectLockEnabled"]}
    if op.inputs.get("rule"):
        configuration["Rule"] = to_api(op.inputs["rule"], NAMES)
    op.client("s3").put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration=configuration
    )


def _read_lock(s3: Any, bucket: str) -> Mapping[str, Any] | None:
    found = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    live = from_api(found, NAMES)
    return {"objectLockEnabled": live["objectLockEnabled"], "rule": live.get("rule")}


def _drop_lock_rule(s3: Any, bucket: str) -> None:
    """Object Lock itself stays with the bucket; its default retention goes."""
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )


def _remover(method: str) -> Callable[[Any, str], Any]:
    return lambda s3, bucket: getattr(s3, method)(Bucket=bucket)


def _stop_logging(s3: Any, bucket: str) -> None:
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


KINDS = {
    "aws:s3/bucket:Bucket": Kind(_create_bucket, _read_bucket, _delete_bucket, _apply_bucket),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _part(
        _put_access_block, _read_access_block, _remover("delete_public_access_block")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _part(
        _put_versioning, _read_versioning, _suspend_versioning
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _part(
        _put_encryption, _read_encryption, _remover("delete_bucket_encryption")
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _part(
        _put_lifecycle, _read_lifecycle, _remover("delete_bucket_lifecycle")
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _part(
        _put_policy, _read_policy, _remover("delete_bucket_policy")
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _part(
        _put_ownership, _read_ownership, _remover("delete_bucket_ownership_controls")
    ),
    "aws:s3/bucketLogging:BucketLogging": _part(_put_logging, _read_logging, _stop_logging),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _part(
        _put_lock, _read_lock, _drop_lock_rule
    ),
}
