"""Which IAM actions cannot be scoped to a resource.

From the Service Authorization Reference: actions whose "Resource types" column is empty, so that
AWS accepts only `Resource: *`. Reading and listing need no entry here: IAM-03 is about writing,
data and permissions.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

READ_VERBS: Final = ("describe", "list", "batchdescribe", "lookup", "search", "simulate", "view")
# `get` reads data as often as it reads settings, so those are listed one by one.
UNSCOPABLE: Final = (
    "acm:requestcertificate",
    "appconfig:getlatestconfiguration",
    "backup:updateregionsettings",
    "cloudwatch:getdashboard",
    "cloudwatch:getmetricdata",
    "cloudwatch:getmetricstatistics",
    "cloudwatch:putcompositealarm",  # AWS refuses a narrower scope
    "cloudwatch:putmetricdata",
    "config:putdeliverychannel",
    "config:putretentionconfiguration",
    "ec2:assignprivateipaddresses",
    "ec2:createnetworkinterface",
    "ec2:deletenetworkinterface",
    "ec2:enableebsencryptionbydefault",
    "ec2:getmanagedprefixlistentries",
    "ec2:unassignprivateipaddresses",
    "ecr:getauthorizationtoken",
    "ecs:deregistertaskdefinition",
    "ecs:discoverpollendpoint",
    "elasticloadbalancing:setwebacl",
    "guardduty:createdetector",
    "iam:createservicelinkedrole",
    "iam:getaccountpasswordpolicy",
    "iam:updateaccountpasswordpolicy",
    "kms:createkey",
    "kms:generaterandom",
    "logs:createlogdelivery",
    "logs:deletelogdelivery",
    "logs:getlogdelivery",
    "logs:putresourcepolicy",
    "logs:updatelogdelivery",
    "route53:createhealthcheck",
    "s3:getaccountpublicaccessblock",
    "s3:listallmybuckets",
    "s3:putaccountpublicaccessblock",
    "secretsmanager:getrandompassword",
    "sns:getsubscriptionattributes",
    "sns:setsubscriptionattributes",
    "sns:unsubscribe",
    "ssmmessages:*",
    "sts:getcalleridentity",
    "tag:getresources",
    "xray:getsamplingrules",
    "xray:getsamplingstatisticsummaries",
    "xray:getsamplingtargets",
    "xray:puttelemetryrecords",
    "xray:puttracesegments",
)


def needs_every_resource(action: str) -> bool:
    """Whether `action` (lower case) reads only, or can be allowed on `*` only."""
    _, _, verb = action.partition(":")
    if verb.startswith(READ_VERBS):
        return True
    return any(fnmatchcase(action, pattern) for pattern in UNSCOPABLE)
