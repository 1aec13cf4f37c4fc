"""What runs in AWS, in reading order."""

import pulumi

from infra.account import AccountBaseline
from infra.alarms import Alarms, AlarmsArgs, error_rate_alarm, throttle_alarm
from infra.api import Api, ApiArgs
from infra.backups import Backups, BackupsArgs
from infra.bucket import BucketArgs, ObjectLock, SecureBucket
from infra.bucket_policies import access_log_statements
from infra.certificate import CertificateArgs, ValidatedCertificate
from infra.cluster import Cluster, ClusterArgs
from infra.configuration import load_settings
from infra.container import service_environment
from infra.dns import Dns, DnsArgs
from infra.endpoints import Endpoints, EndpointsArgs
from infra.firewall import WebFirewall, WebFirewallArgs
from infra.keys import KeyRing, KeyRingArgs
from infra.load_balancer import LoadBalancer, LoadBalancerArgs
from infra.log_archive import LogArchive, LogArchiveArgs
from infra.log_group import LogGroups, LogGroupsArgs
from infra.mail import Mail, MailArgs
from infra.naming import SERVICE, Names
from infra.network import Network, NetworkArgs
from infra.providers import backup_provider, home_provider
from infra.roles import ServiceRoles, ServiceRolesArgs
from infra.secrets import Secrets, SecretsArgs, service_secret_refs
from infra.security_alarms import SecurityAlarms, SecurityAlarmsArgs
from infra.security_groups import SecurityGroups, SecurityGroupsArgs
from infra.service import ApiServiceArgs
from infra.tables import Tables, TablesArgs
from infra.topics import Topics, TopicsArgs
from infra.trail import AuditTrail, AuditTrailArgs

settings = load_settings()
opts = pulumi.ResourceOptions(providers=[home_provider(settings)])
names = Names(
    account_id=settings.account_id, region=settings.region, environment=settings.environment
)
boundary_arn = names.boundary_arn(settings.security.boundary)

# --- Encryption and logs -------------------------------------------------------------------------

keys = KeyRing("keys", KeyRingArgs(names=names, protect=settings.protect), opts)
access_logs = SecureBucket(
    "access-logs",
    BucketArgs(
        names=names,
        use="access-logs",
        data_class="log",
        protect=settings.protect,
        expire_days=settings.logs.archive_days,
        statements=tuple(access_log_statements(names.bucket_arn("access-logs"), names)),
    ),
    opts,
)
archive = LogArchive(
    "log-archive",
    LogArchiveArgs(
        names=names,
        keys=keys,
        access_logs=access_logs,
        archive_days=settings.logs.archive_days,
        lock=ObjectLock(mode=settings.logs.lock_mode, days=settings.logs.lock_days),
        protect=settings.protect,
        boundary_arn=boundary_arn,
    ),
    opts,
)
logs = LogGroups(
    "logs",
    LogGroupsArgs(
        names=names,
        keys=keys,
        archive=archive,
        retention_days=settings.logs.retention_days,
        protect=settings.protect,
    ),
    opts,
)

# --- Network -------------------------------------------------------------------------------------

network = Network(
    "network",
    NetworkArgs(
        names=names,
        cidr=settings.network.cidr,
        zones=settings.network.zones,
        nat_strategy=settings.network.nat_strategy,
        flow_logs=logs["vpc-flow"],
        boundary_arn=boundary_arn,
    ),
    opts,
)
groups = SecurityGroups("security-groups", SecurityGroupsArgs(vpc_id=network.vpc_id), opts)
Endpoints(
    "endpoints",
    EndpointsArgs(
        names=names,
        network=network,
        groups=groups,
        zones=settings.network.endpoint_zones,
        table_prefix=settings.data.table_prefix,
        repository=settings.service.repository,
    ),
    opts,
)

# --- Data, secrets, mail -------------------------------------------------------------------------

tables = Tables(
    "tables",
    TablesArgs(names=names, keys=keys, settings=settings.data, protect=settings.protect),
    opts,
)
secrets = Secrets(
    "secrets",
    SecretsArgs(
        names=names,
        keys=keys,
        recovery_days=settings.secrets.recovery_days,
        protect=settings.protect,
    ),
    opts,
)
mail = Mail(
    "mail",
    MailArgs(names=names, domain=settings.edge.domain, zone_id=settings.edge.hosted_zone_id),
    opts,
)

# --- Edge ----------------------------------------------------------------------------------------

certificate = ValidatedCertificate(
    "api", CertificateArgs(host=settings.api_host, zone_id=settings.edge.hosted_zone_id), opts
)
balancer = LoadBalancer(
    "load-balancer",
    LoadBalancerArgs(
        network=network,
        groups=groups,
        certificate=certificate,
        access_logs=access_logs,
        tls_policy=settings.edge.tls_policy,
        protect=settings.protect,
    ),
    opts,
)
firewall = WebFirewall(
    "firewall",
    WebFirewallArgs(
        balancer=balancer,
        logs=logs["firewall"],
        rate_limit=settings.edge.waf_rate_limit,
        login_limit=settings.edge.waf_login_limit,
        mode=settings.edge.waf_mode,
    ),
    opts,
)
Dns(
    "dns",
    DnsArgs(
        zone_id=settings.edge.hosted_zone_id,
        domain=settings.edge.domain,
        host=settings.api_host,
        balancer=balancer,
        protect=settings.protect,
    ),
    opts,
)

# --- Alarms --------------------------------------------------------------------------------------

topics = Topics(
    "topics",
    TopicsArgs(
        names=names,
        keys=keys,
        subscribers={
            "critical": settings.alarms.critical_email,
            "warning": settings.alarms.warning_email,
            "security": settings.alarms.security_email,
        },
    ),
    opts,
)
error_rate = error_rate_alarm(settings.alarms, balancer.arn_suffix)
throttles = [throttle_alarm(short, name) for short, name in tables.names.items()]
alarms = Alarms("alarms", AlarmsArgs(specs=[error_rate, *throttles], topics=topics), opts)

backups = Backups(
    "backups",
    BackupsArgs(
        names=names,
        settings=settings.data,
        tables=tables,
        topics=topics,
        copy_provider=backup_provider(settings),
        protect=settings.protect,
        boundary_arn=boundary_arn,
    ),
    opts,
)

# --- Audit and detection -------------------------------------------------------------------------

AccountBaseline("account", opts)
trail = AuditTrail(
    "trail",
    AuditTrailArgs(
        names=names,
        keys=keys,
        access_logs=access_logs,
        archive=archive,
        logs=logs["trail"],
        tables=tables,
        lock=ObjectLock(mode=settings.logs.lock_mode, days=settings.logs.audit_days),
        protect=settings.protect,
        boundary_arn=boundary_arn,
    ),
    opts,
)
security_alarms = SecurityAlarms(
    "security-alarms", SecurityAlarmsArgs(trail_logs=logs["trail"], topics=topics), opts
)

# --- The service ---------------------------------------------------------------------------------

cluster = Cluster(
    "cluster",
    ClusterArgs(keys=keys, exec_logs=logs["ecs-exec"], insights=logs["container-insights"]),
    opts,
)
roles = ServiceRoles(
    "roles",
    ServiceRolesArgs(
        names=names,
        boundary_arn=boundary_arn,
        repository=settings.service.repository,
        keys=keys,
        tables=tables,
        secrets=secrets,
        mail=mail,
    ),
    opts,
)
environment = service_environment(settings, names, mail.sender)
service = ApiServiceArgs(
    settings=settings,
    names=names,
    environment=environment,
    cluster=cluster,
    network=network,
    groups=groups,
    balancer=balancer,
    logs=logs["api"],
    secrets=secrets,
    roles=roles,
    rollback_alarms=(alarms.names[error_rate.name],),
)
api = Api("api", ApiArgs(service=service, topics=topics), opts)

# --- Outputs -------------------------------------------------------------------------------------

pulumi.export("apiUrl", settings.api_url)
pulumi.export("clusterName", cluster.name)
pulumi.export("serviceName", SERVICE)
pulumi.export("imageDigest", settings.image_digest)
pulumi.export("release", settings.release)
pulumi.export("serviceEnvironment", environment)
pulumi.export("serviceSecretRefs", service_secret_refs(names))
pulumi.export("secretNames", secrets.names)
pulumi.export("tableNames", tables.names)
pulumi.export("tokenKeyAlias", names.key_alias("tokens"))
pulumi.export("logGroupNames", logs.names)
pulumi.export("archiveBucket", archive.bucket.name)
pulumi.export("auditBucket", trail.bucket.name)
pulumi.export(
    "alarmNames",
    [*alarms.names.values(), *security_alarms.names.values(), *api.alarm_names.values()],
)
pulumi.export("deploymentAlarmNames", [alarms.names[error_rate.name]])
pulumi.export("topicArns", topics.arns)
pulumi.export("productionRuleArn", balancer.production_rule.arn)
pulumi.export("targetGroupArns", {"blue": balancer.blue.arn, "green": balancer.green.arn})
pulumi.export("webAclArns", {"alb": firewall.arn})
pulumi.export("backupVaultArn", backups.vault_arn)
pulumi.export("backupVaultCopyArn", backups.copy_arn)
pulumi.export("vpcId", network.vpc_id)
pulumi.export("privateSubnetIds", network.private_subnet_ids)
pulumi.export("natPublicIps", network.nat_public_ips)
