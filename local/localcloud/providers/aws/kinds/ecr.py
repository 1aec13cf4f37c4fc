"""Image repositories, their lifecycle rules and policies."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import (
    Kind,
    Operation,
    pairs,
    present,
    settle_tags,
    unpaired,
)


def _create_repository(op: Operation) -> str:
    encryption = op.inputs.get("encryptionConfigurations") or []
    op.client("ecr").create_repository(
        repositoryName=op.inputs["name"],
        tags=pairs(op.tags),
        imageTagMutability=op.inputs["imageTagMutability"],
        imageScanningConfiguration=_scanning(op),
        **present(encryptionConfiguration=_encryption(encryption[0]) if encryption else None),
    )
    return str(op.inputs["name"])


def _encryption(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"encryptionType": wanted.get("encryptionType", "AES256")} | present(
        kmsKey=wanted.get("kmsKey")
    )


def _scanning(op: Operation) -> dict[str, bool]:
    wanted = op.inputs.get("imageScanningConfiguration") or {}
    return {"scanOnPush": bool(wanted.get("scanOnPush"))}


def _apply_repository(op: Operation) -> None:
    ecr = op.client("ecr")
    arn = _described(op)["repositoryArn"]
    ecr.put_image_tag_mutability(
        repositoryName=op.id, imageTagMutability=op.inputs["imageTagMutability"]
    )
    ecr.put_image_scanning_configuration(
        repositoryName=op.id, imageScanningConfiguration=_scanning(op)
    )
    settle_tags(
        unpaired(ecr.list_tags_for_resource(resourceArn=arn).get("tags", [])),
        op.tags,
        lambda tags: ecr.tag_resource(resourceArn=arn, tags=pairs(tags)),
        lambda keys: ecr.untag_resource(resourceArn=arn, tagKeys=keys),
    )


def _described(op: Operation) -> Mapping[str, Any]:
    found: Mapping[str, Any] = op.client("ecr").describe_repositories(repositoryNames=[op.id])[
        "repositories"
    ][0]
    return found


def _read_repository(op: Operation) -> Mapping[str, Any] | None:
    found = _described(op)
    arn, account = found["repositoryArn"], op.config.account
    region = op.inputs.get("region") or op.config.region
    encryption = found.get("encryptionConfiguration") or {"encryptionType": "AES256"}
    tags = op.client("ecr").list_tags_for_resource(resourceArn=arn)
    return {
        "arn": arn,
        "name": op.id,
        "registryId": found.get("registryId", account),
        # The embedded AWS reports its own address; images are named by AWS's.
        "repositoryUrl": f"{account}.dkr.ecr.{region}.amazonaws.com/{op.id}",
        "imageTagMutability": found.get("imageTagMutability", "MUTABLE"),
        "imageScanningConfiguration": found.get("imageScanningConfiguration"),
        "encryptionConfigurations": [encryption],
        "tagsAll": unpaired(tags.get("tags", [])),
    }


def _delete_repository(op: Operation) -> None:
    op.client("ecr").delete_repository(
        repositoryName=op.id, force=bool(op.inputs.get("forceDelete"))
    )


def _put_lifecycle(op: Operation) -> str:
    name = str(op.inputs["repository"])
    op.client("ecr").put_lifecycle_policy(
        repositoryName=name, lifecyclePolicyText=op.inputs["policy"]
    )
    return name


def _apply_lifecycle(op: Operation) -> None:
    _put_lifecycle(op)


def _read_lifecycle(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("ecr").get_lifecycle_policy(repositoryName=op.id)
    return {
        "repository": op.id,
        "policy": found["lifecyclePolicyText"],
        "registryId": op.config.account,
    }


def _delete_lifecycle(op: Operation) -> None:
    op.client("ecr").delete_lifecycle_policy(repositoryName=op.id)


def _put_policy(op: Operation) -> str:
    name = str(op.inputs["repository"])
    op.client("ecr").set_repository_policy(repositoryName=name, policyText=op.inputs["policy"])
    return name


def _apply_policy(op: Operation) -> None:
    _put_policy(op)


def _read_policy(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("ecr").get_repository_policy(repositoryName=op.id)
    return {
        "repository": op.id,
        "policy": found["policyText"],
        "registryId": op.config.account,
    }


def _delete_policy(op: Operation) -> None:
    op.client("ecr").delete_repository_policy(repositoryName=op.id)


KINDS = {
    "aws:ecr/repository:Repository": Kind(
        _create_repository, _read_repository, _delete_repository, _apply_repository
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Kind(
        _put_lifecycle, _read_lifecycle, _delete_lifecycle, _apply_lifecycle
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Kind(
        _put_policy, _read_policy, _delete_policy, _apply_policy
    ),
}
