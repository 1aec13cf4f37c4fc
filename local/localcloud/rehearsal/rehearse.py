"""`make release STACK=local`: a release on this machine, under load, and one that goes back."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud import supervision
from localcloud.bringup import OUTPUTS
from localcloud.bringup import up as bring_up
from localcloud.client import Client
from localcloud.demo import sign_in_demo_user
from localcloud.emulator.process import ACCOUNT_ID, HOST, Emulator, free_port
from localcloud.engine.environment import Backend, engine_environment, pulumi
from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, LOCAL, STATE, shown
from localcloud.ports import remembered_ports
from localcloud.progress import console
from localcloud.rehearsal.cloud import ReleaseCloud, ReleaseServer
from localcloud.rehearsal.fleet import SUCCESSFUL, Fleet, Surroundings
from localcloud.rehearsal.load import Load
from localcloud.rehearsal.report import Findings
from localcloud.rehearsal.seams import SEAMS, absent
from localcloud.rehearsal.stages import Decision, Execution, Pipeline, Stage, checkout_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORK = STATE / "rehearsal"
REQUESTS = 2_000
LOAD_SECONDS = 180
# Mostly what has no limit a minute, and a signed-in request among them that stays within it.
PATHS = (*("/health/ready", "/health/live") * 12, "/api/v1/accounts")
# Two tests that need nothing: what Test runs when the whole suite is run elsewhere.
FEW_TESTS = "tests/pipelines/test_gate.py tests/pipelines/test_rollback.py"
REPOSITORY_URL = f"{ACCOUNT_ID}.dkr.ecr.us-east-1.amazonaws.com/budgetbuddy-backend"
# A release that comes up and answers, and is not what it should be: only Verify can see it.
BROKEN_FILE = Path("service/budgetbuddy/api/health.py")
BROKEN = ('current_app.config["RELEASE"]', '"of-somebody-else"')


@dataclass(frozen=True, kw_only=True)
class Options:
    """`approve` answers for the person; `whole` runs every test in stage Test."""

    approve: Callable[[str, str], Decision]
    whole: bool
    verbose: bool


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What runs while releases are rehearsed."""

    fleet: Fleet
    server: ReleaseServer
    emulator: Emulator
    port: int
    options: Options

    def release(self, *, broken: bool = False) -> Execution:
        """One execution of the pipeline on the last commit, or on one that Verify must refuse."""
        moment = f"{time.time_ns()}"
        commit = hashlib.sha256(moment.encode()).hexdigest()[:40]
        source = WORK / commit[:12] / "src"
        checkout_head(source)
        if broken:
            file = source / BROKEN_FILE
            file.write_text(file.read_text().replace(*BROKEN))
        pipeline = Pipeline(
            source=source,
            work=WORK,
            environment=self._environment(),
            seams=SEAMS if self.options.whole else {**SEAMS, "make": absent("make")},
            variables=self._variables(),
            prepare=_prepare,
            approve=self.options.approve,
            tell=_tell,
            listen=_say if self.options.verbose else None,
        )
        return pipeline.execute(commit, datetime.now(UTC).isoformat(timespec="seconds"))

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Steady load on the address while the body runs, and until there were enough requests."""
        client = Client(self.port)
        token = sign_in_demo_user(client, self.emulator).access_token
        load = Load(port=self.port, paths=PATHS, headers={"Authorization": f"Bearer {token}"})
        load.start()
        try:
            yield load
            load.wait_for(REQUESTS, LOAD_SECONDS)
        finally:
            load.stop()

    def _environment(self) -> dict[str, str]:
        backend = Backend(directory=LOCAL / "state", passphrase_file=LOCAL / "passphrase")
        base = engine_environment(backend, stand_ins=True)
        return base | {
            "PATH": f"{Path(sys.executable).parent}:{base['PATH']}",
            "REAL_PULUMI": pulumi(),
            "REHEARSAL_IMAGES": str(WORK / "images"),
            "REHEARSAL_EVIDENCE": str(WORK / "evidence"),
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.emulator.endpoint,
            "AWS_ENDPOINT_URL_ECS": self.server.url,
            "AWS_ENDPOINT_URL_ECR": self.server.url,
        }

    def _variables(self) -> dict[str, str]:
        given = {
            "STACK": "local",
            "STATE_URL": (LOCAL / "state").as_uri(),
            "EVIDENCE_BUCKET": "evidence",
            "REPOSITORY_URL": REPOSITORY_URL,
            "SCAN_HIGH_ALLOWED": "0",
            "SOURCE": "https://github.com/budgetbuddy/platform",
            "VERIFY_MINUTES": "0.2",
            "VERIFY_POLL_SECONDS": "0.5",
        }
        return given if self.options.whole else given | {"TESTS": FEW_TESTS}


@contextmanager
def rehearsal(options: Options) -> Iterator[Rehearsal]:
    """The local cloud with its deployed release behind a load balancer; nothing is left running."""
    shutil.rmtree(WORK, ignore_errors=True)
    old = remembered_ports()
    bring_up(old.api if old else free_port())
    ports = remembered_ports()
    assert ports is not None  # noqa: S101 - `up` has chosen them
    emulator = Emulator(port=ports.emulator, state=LOCAL / "emulator")
    outputs = json.loads(OUTPUTS.read_text())
    around = Surroundings(
        images=WORK / "images",
        logs=LOCAL / "logs",
        endpoint=emulator.endpoint,
        plaid_url=f"http://{HOST}:{ports.plaid}",
        stripe_url=f"http://{HOST}:{ports.stripe}",
    )
    fleet = Fleet(ports.api, around)
    cloud = ReleaseCloud(fleet=fleet, images={"sha-before": outputs["imageDigest"]})
    server = ReleaseServer(cloud)
    try:
        for name in ("service", "worker"):
            supervision.stop_process(name)  # the load balancer takes their place
        _keep_image(outputs["imageDigest"])
        status, why = fleet.deploy(outputs)
        if status != SUCCESSFUL:
            raise LocalCloudError(
                "The release before does not start.",
                why=why,
                remedy=f"see {shown(LOCAL / 'logs')}",
            )
        server.start()
        yield Rehearsal(
            fleet=fleet, server=server, emulator=emulator, port=ports.api, options=options
        )
        server.stop()
    finally:
        fleet.stop()
        supervision.stop()


def _keep_image(digest: str) -> None:
    """The image of what `up` deployed: the sources of this checkout."""
    target = WORK / "images" / digest.removeprefix("sha256:") / "budgetbuddy"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "service" / "budgetbuddy", target, ignore=ignore)


def _prepare(checkout: Path) -> None:
    """What only this machine knows: its stack file, its environments, the engine."""
    shutil.copy(LOCAL / "Pulumi.local.yaml", checkout / "Pulumi.local.yaml")
    for name in (".venv", ".venv-emulator"):
        (checkout / name).symlink_to(CHECKOUT / name)


def _tell(stage: Stage) -> None:
    mark = "[red]✗[/red]" if stage.why else "[green]✓[/green]"
    console.print(f"{mark} {stage.name} [dim]{stage.seconds} s[/dim] {stage.why}")
    if stage.why and stage.build:
        last = stage.build.log.splitlines()[-15:]
        console.print("\n".join(f"    {line}" for line in last), markup=False)


def _say(line: str) -> None:
    console.print(f"    {line}", markup=False)


def ask_person(summary: str, url: str) -> Decision:
    """What CodePipeline shows, and a person's answer; without a terminal nobody answers."""
    console.print(f"\n{summary}\n{url}\n", markup=False)
    if not sys.stdin.isatty():
        return Decision.TIMED_OUT
    said = console.input("Deploy this? Type yes: ")
    return Decision.APPROVED if said.strip() == "yes" else Decision.REJECTED


def approve_at_once(summary: str, url: str) -> Decision:
    """For runs that nobody watches; what would have been shown is printed all the same."""
    console.print(f"\n{summary}\n{url}\n", markup=False)
    return Decision.APPROVED


def rehearse(options: Options) -> None:
    """A good release under load, then a broken one.

    Raises `LocalCloudError` unless each ends as it should.
    """
    if not (CHECKOUT / ".git").exists():
        console.print("[dim]No git history: the files as they are are released.[/dim]")
    with rehearsal(options) as running:
        console.rule("A good release, under load", align="left")
        with running.load() as load:
            good = running.release()
        found = Findings(good=good, requests=load.total, failed=load.failures.total())
        _judge_good(good, load)
        console.rule("A release that Verify must refuse", align="left")
        serving = running.fleet.current
        bad = running.release(broken=True)
        now = running.fleet.current
        serves = now.digest if now else ""
        found.write(WORK / "report.json", bad, serves)
        if bad.stopped_at != "Verify" or now is None or serving is None:
            raise _went_wrong("The broken release was not stopped by Verify.", bad)
        if now.digest != serving.digest:
            raise _went_wrong("The release before does not serve again.", bad)
    console.print(f"Rolled back to {now.release[:12]}: as it should be.")
    console.print("Next: git push; production waits for a person after Preview.")


def _judge_good(good: Execution, load: Load) -> None:
    failed = load.failures.total()
    console.print(f"{load.total} requests meanwhile, {failed} failed.")
    if good.stopped_at:
        raise _went_wrong("The good release did not come to its end.", good)
    if failed or load.total < REQUESTS:
        raise LocalCloudError(
            "The switch was not seamless.",
            why=f"{failed} of {load.total} requests failed: {dict(load.failures)}",
            remedy=f"see {shown(LOCAL / 'logs')}",
        )


def _went_wrong(what: str, run: Execution) -> LocalCloudError:
    where = run.stopped_at or "nowhere"
    return LocalCloudError(
        what, why=f"it stopped at {where}", remedy="the same with VERBOSE=1 shows every line"
    )
