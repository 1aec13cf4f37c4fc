"""Events in the trail that somebody should know about, as data.

Filters of the CIS AWS Foundations Benchmark and our own. The ones that warn fire on every
deployment by design; `out-of-band-change` is the one that tells a person from the pipeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.naming import PROJECT, ROTATION_ROLE

DEPLOY_ROLE = "budgetbuddy-codebuild-deploy"
# It has ECS start the tasks again after each rotation.
KNOWN_ROLES = (DEPLOY_ROLE, f"{PROJECT}-{ROTATION_ROLE}")


@dataclass(frozen=True, kw_only=True)
class SecurityEvent:
    """`pattern` selects events; `severity` is the topic that hears of `threshold` in 5 minutes."""

    name: str
    meaning: str
    pattern: str
    severity: str = "security"
    threshold: int = 1


def _any_of(field: str, values: Sequence[str]) -> str:
    return " || ".join(f"($.{field} = {value})" for value in values)


def _names(*names: str) -> str:
    return f"{{ {_any_of('eventName', names)} }}"


def _of(source: str, *names: str) -> str:
    return f"{{ ($.eventSource = {source}.amazonaws.com) && ({_any_of('eventName', names)}) }}"


CHANGED_SERVICES = (
    "cloudtrail",
    "config",
    "ec2",
    "ecs",
    "elasticloadbalancing",
    "iam",
    "kms",
    "s3",
    "wafv2",
)

SECURITY_EVENTS: tuple[SecurityEvent, ...] = (
    SecurityEvent(
        name="cis-root-use",
        meaning="Somebody used the root user",
        pattern='{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS'
        ' && $.eventType != "AwsServiceEvent" }',
    ),
    SecurityEvent(
        name="cis-unauthorized",
        meaning="Many calls were refused: a probe, or a broken permission",
        pattern='{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
        threshold=10,
    ),
    SecurityEvent(
        name="cis-login-no-mfa",
        meaning="A user signed in without a second factor",
        pattern='{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes")'
        ' && ($.userIdentity.type = "IAMUser")'
        ' && ($.responseElements.ConsoleLogin = "Success") }',
    ),
    SecurityEvent(
        name="cis-login-failures",
        meaning="Somebody guesses passwords",
        pattern='{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',
        threshold=3,
    ),
    SecurityEvent(
        name="cis-trail-change",
        meaning="The audit trail was changed",
        pattern=_names("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),
    ),
    SecurityEvent(
        name="cis-config-change",
        meaning="The recording of configuration was changed",
        pattern=_of(
            "config",
            "StopConfigurationRecorder",
            "DeleteDeliveryChannel",
            "PutDeliveryChannel",
            "PutConfigurationRecorder",
        ),
    ),
    SecurityEvent(
        name="cis-key-disable",
        meaning="An encryption key was disabled or is to be deleted",
        pattern=_of("kms", "DisableKey", "ScheduleKeyDeletion"),
    ),
    SecurityEvent(
        name="cis-iam-change",
        meaning="A permission was changed",
        pattern=_names(
            "DeleteGroupPolicy",
            "DeleteRolePolicy",
            "DeleteUserPolicy",
            "PutGroupPolicy",
            "PutRolePolicy",
            "PutUserPolicy",
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "AttachUserPolicy",
            "DetachUserPolicy",
            "AttachGroupPolicy",
            "DetachGroupPolicy",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-bucket-policy",
        meaning="Access to a bucket was changed",
        pattern=_of(
            "s3",
            "PutBucketAcl",
            "PutBucketPolicy",
            "PutBucketCors",
            "PutBucketLifecycle",
            "PutBucketReplication",
            "DeleteBucketPolicy",
            "DeleteBucketCors",
            "DeleteBucketLifecycle",
            "DeleteBucketReplication",
            "PutBucketPublicAccessBlock",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-security-group",
        meaning="A security group was changed",
        pattern=_names(
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
            "ModifySecurityGroupRules",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-nacl",
        meaning="A network ACL was changed",
        pattern=_names(
            "CreateNetworkAcl",
            "CreateNetworkAclEntry",
            "DeleteNetworkAcl",
            "DeleteNetworkAclEntry",
            "ReplaceNetworkAclEntry",
            "ReplaceNetworkAclAssociation",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-gateway",
        meaning="A way to the internet was changed",
        pattern=_names(
            "CreateCustomerGateway",
            "DeleteCustomerGateway",
            "AttachInternetGateway",
            "CreateInternetGateway",
            "DeleteInternetGateway",
            "DetachInternetGateway",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-route-table",
        meaning="A route was changed",
        pattern=_of(
            "ec2",
            "CreateRoute",
            "CreateRouteTable",
            "ReplaceRoute",
            "ReplaceRouteTableAssociation",
            "DeleteRouteTable",
            "DeleteRoute",
            "DisassociateRouteTable",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="cis-vpc",
        meaning="A VPC or its peering was changed",
        pattern=_names(
            "CreateVpc",
            "DeleteVpc",
            "ModifyVpcAttribute",
            "AcceptVpcPeeringConnection",
            "CreateVpcPeeringConnection",
            "DeleteVpcPeeringConnection",
            "RejectVpcPeeringConnection",
        ),
        severity="warning",
    ),
    SecurityEvent(
        name="out-of-band-change",
        meaning="Somebody changed the infrastructure past the pipeline",
        pattern="{ ($.readOnly IS FALSE)"
        f" && ({_any_of('eventSource', [f'{name}.amazonaws.com' for name in CHANGED_SERVICES])})"
        + "".join(
            f' && ($.userIdentity.sessionContext.sessionIssuer.userName != "{role}")'
            for role in KNOWN_ROLES
        )
        + " && ($.userIdentity.invokedBy NOT EXISTS)"
        ' && ($.userIdentity.type != "AWSService") }',
    ),
    SecurityEvent(
        name="rotation-failed-event",
        meaning="A secret could not be rotated",
        pattern=_of("secretsmanager", "RotationFailed"),
        severity="critical",
    ),
    SecurityEvent(
        name="backup-tamper",
        meaning="A recovery point or a vault was deleted or unlocked",
        pattern=_of(
            "backup",
            "DeleteRecoveryPoint",
            "DeleteBackupVault",
            "PutBackupVaultLockConfiguration",
            "DeleteBackupVaultLockConfiguration",
        ),
    ),
)
