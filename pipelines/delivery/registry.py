"""The one image repository: immutable tags, scanned, and as deep as a rollback may reach."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from delivery.naming import REPOSITORY, Names
from delivery.policy import VERSION

KEPT_IMAGES = 30
UNTAGGED_DAYS = 1
TAG_PREFIX = "sha-"


@dataclass(frozen=True, kw_only=True)
class ImageRegistryArgs:
    """`continuous_scan` has Inspector look at stored images again whenever a weakness is found."""

    names: Names
    kms_key_arn: pulumi.Output[str]
    continuous_scan: bool
    protect: bool


class ImageRegistry(pulumi.ComponentResource):
    """`url` is where images are pushed and pulled, and known before there are any."""

    def __init__(
        self, name: str, args: ImageRegistryArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:ImageRegistry", name, None, opts)
        self._child = ResourceOptions(parent=self)
        repository = aws.ecr.Repository(
            "images",
            name=REPOSITORY,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.kms_key_arn}],
            force_delete=False,
            opts=ResourceOptions(parent=self, protect=args.protect),
        )
        aws.ecr.LifecyclePolicy(
            "images", repository=repository.name, policy=lifecycle_policy(), opts=self._child
        )
        aws.ecr.RepositoryPolicy(
            "images",
            repository=repository.name,
            policy=repository_policy(args.names),
            opts=self._child,
        )
        if args.continuous_scan:
            self._scan_continuously(args.names)
        self.url = args.names.repository_url()
        self.register_outputs({"url": self.url})

    def _scan_continuously(self, names: Names) -> None:
        inspector = aws.inspector2.Enabler(
            "inspector",
            account_ids=[names.account_id],
            resource_types=["ECR"],
            opts=self._child,
        )
        aws.ecr.RegistryScanningConfiguration(
            "scanning",
            scan_type="ENHANCED",
            rules=[
                {
                    "scan_frequency": "CONTINUOUS_SCAN",
                    "repository_filters": [{"filter": REPOSITORY, "filter_type": "WILDCARD"}],
                }
            ],
            opts=ResourceOptions(parent=self, depends_on=[inspector]),
        )


def lifecycle_policy() -> str:
    """What nobody tagged goes at once; of releases the newest stay, to go back to."""
    untagged = {
        "rulePriority": 1,
        "description": "layers nobody tagged",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    releases = {
        "rulePriority": 2,
        "description": "releases a rollback may need",
        "selection": {
            "tagStatus": "tagged",
            "tagPrefixList": [TAG_PREFIX],
            "countType": "imageCountMoreThan",
            "countNumber": KEPT_IMAGES,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [untagged, releases]}, separators=(",", ":"))


def repository_policy(names: Names) -> str:
    """Roles of this account pull, as far as their own policies allow; nobody outside does.

    ECR refuses a resource here: the policy belongs to its repository.
    """
    statement = {
        "Sid": "AllowPullFromAccount",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{names.account_id}:root"},
        "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]}, separators=(",", ":"))
