"""The part of the composition root for officers and operators: evidence, reports, state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from budgetbuddy.composition_identity import Tools
from budgetbuddy.domain.compliance import Compliance
from budgetbuddy.domain.data_map import DATA_MAP
from budgetbuddy.domain.erasure import Erasures
from budgetbuddy.domain.evidence import EvidenceSource, Probes
from budgetbuddy.domain.messages import Queue
from budgetbuddy.domain.verification import ChainVerification
from budgetbuddy.gateways.evidence import AwsEvidence, Clients, Subject
from budgetbuddy.gateways.operations import AwsOperations
from budgetbuddy.gateways.resilience import EVIDENCE
from budgetbuddy.settings import Settings
from budgetbuddy.store.jobs import JobStore
from budgetbuddy.store.verification import ChainStore

PREFIX: Final = "budgetbuddy-"  # of every alarm and key alias of the platform
HEALTH: Final = "health"  # what no field of the data map may be about


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """The services of the part, as `Services` names them."""

    compliance: Compliance
    verification: ChainVerification
    operations: AwsOperations


def build_oversight(
    settings: Settings,
    tools: Tools,
    erasures: Erasures,
    queue: Queue,
    client: Callable[[str], Any],
) -> Oversight:
    """Wire it; `client` makes a boto3 client of a service."""
    clients = Clients(client)
    subject = Subject(
        table_prefix=settings.dynamodb_table_prefix,
        alias_prefix=f"alias/{PREFIX}",
        alarm_prefix=PREFIX,
        bucket=settings.evidence_bucket,
        release=settings.release,
    )
    guard = tools.guards.of(EVIDENCE)
    evidence, chains = AwsEvidence(clients, subject, guard), ChainStore(tools.store)
    probes = Probes(
        clock=tools.clock,
        probes={
            EvidenceSource.RECOVERY: evidence.recovery,
            EvidenceSource.BACKUPS: evidence.backups,
            EvidenceSource.ENCRYPTION: evidence.encryption,
            EvidenceSource.ROTATION: evidence.rotation,
            EvidenceSource.PROTECTION: evidence.protection,
            EvidenceSource.ALARMS: evidence.alarms,
            EvidenceSource.POLICIES: evidence.policies,
            EvidenceSource.CHAINS: lambda: _chains(chains.found()),
            EvidenceSource.PRIVILEGED: lambda: _privileged(chains.found()),
            EvidenceSource.ERASURES: lambda: {"overdue": erasures.overdue()},
            EvidenceSource.DATA_MAP: _health_data,
        },
    )
    return Oversight(
        compliance=Compliance(collector=probes, clock=tools.clock),
        verification=ChainVerification(
            chains=chains,
            jobs=JobStore(tools.store, tools.commands),
            queue=queue,
            clock=tools.clock,
        ),
        operations=AwsOperations(
            evidence,
            clients,
            tools.guards,
            guard,
            environment=settings.environment,
            clock=tools.clock,
        ),
    )


def _chains(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if found is None:
        return None
    told = {name: found[name] for name in ("chains", "rows", "broken", "finishedAt")}
    return {**told, "complete": found["sample"] is None}


def _privileged(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if found is None or found["sample"] is not None:
        return None
    return {"count": found["privileged"], "withSecondFactor": found["with_second_factor"]}


def _health_data() -> Mapping[str, Any]:
    about = [kept.file for kept in DATA_MAP if any(HEALTH in field for field in kept.fields)]
    return {"kinds": len(DATA_MAP), "health": about}
