"""`up` and `down`: embedded AWS, stack, service, demo user and smoke test, in that order."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from typing import Any

from budgetbuddy.contract import HEALTH_LIVE, HEALTH_READY
from localcloud import supervision
from localcloud.client import Client
from localcloud.demo import CREDENTIALS, sign_in_demo_user
from localcloud.emulator.process import HOST, Emulator
from localcloud.engine.environment import describe_providers
from localcloud.evidence import write_evidence
from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, LOCAL, shown
from localcloud.ports import Ports, choose_ports, remembered_ports
from localcloud.progress import console, step
from localcloud.provider_credentials import fill_plaid_secret, fill_stripe_secret
from localcloud.smoke import smoke_test
from localcloud.stack import Stack, local_stack, stop_on

DEPLOYED_TO = LOCAL / "deployed-to.pid"  # the embedded AWS the state was last compared with
OUTPUTS = LOCAL / "outputs.json"
READY_SECONDS = 30
POLL_SECONDS = 0.2
STRIPE_HOOK = "/api/v1/stripe/webhook"


def up(api_port: int | None, *, refresh: bool = False) -> None:
    """Bring everything up; returns only when the smoke test has passed."""
    ports = choose_ports(api_port)
    stack = local_stack()
    console.print(f"[dim]{describe_providers(stand_ins=stack.stand_ins)}[/dim]")
    emulator = Emulator(port=ports.emulator, state=LOCAL / "emulator")
    process = _start_emulator(emulator, ports)
    first = not DEPLOYED_TO.exists()
    # Another process than last time may have lost what a killed one had not written.
    fresh = refresh or first or DEPLOYED_TO.read_text() != process
    with step("Preparing stack local"):
        stack.prepare(_settings(emulator, ports))
    with step("Previewing under the PCI and SOC 2 packs"):
        failures = stack.preview(refresh=fresh)
    write_evidence(stack)
    stop_on(failures, "The preview of stack local")
    with step("Deploying to the embedded AWS (pulumi up)"):
        failures = stack.up(refresh=fresh, checkpoints=not first)
    stop_on(failures, "pulumi up of stack local")
    DEPLOYED_TO.write_text(process)
    before = OUTPUTS.read_text() if OUTPUTS.exists() else ""
    outputs = stack.outputs()
    after = json.dumps(outputs, indent=2, sort_keys=True)
    OUTPUTS.write_text(after)
    with step("Starting the doubles of Plaid and Stripe"):
        _start_doubles(outputs, emulator, ports)
    with step("Starting the service and its worker"):
        for process_name in ("service", "worker"):
            if before and before != after:
                supervision.stop_process(process_name)
            supervision.start_process(process_name)
        _wait_until_healthy("service", ports.api, HEALTH_READY)
        _wait_until_healthy("worker", ports.worker, HEALTH_LIVE)
    with step("Seeding the demo user"):
        demo = sign_in_demo_user(Client(ports.api), emulator)
    with step("Smoke test"):
        smoke_test(Client(ports.api, token=demo.access_token), Client(ports.worker))
    _say_where(ports, stack, demo.email)


def down(*, wipe: bool) -> None:
    """Stop the service, destroy the stack, stop the embedded AWS. Safe when nothing runs."""
    ports = remembered_ports()
    stack = local_stack()
    if ports is not None and stack.resources():
        emulator = Emulator(port=ports.emulator, state=LOCAL / "emulator")
        for name in ("service", "worker"):
            supervision.stop_process(name)
        if wipe:
            console.print("[dim]Wiping: state is removed, nothing is destroyed one by one.[/dim]")
        else:
            _start_emulator(emulator, ports)
            with step("Destroying stack local"):
                failures = stack.destroy()
            stop_on(failures, "pulumi destroy of stack local")
            DEPLOYED_TO.unlink(missing_ok=True)
    with step("Stopping the processes"):
        supervision.stop()
    shutil.rmtree(supervision.runtime_directory(), ignore_errors=True)
    if wipe:
        with step("Removing the state of stack local"):
            shutil.rmtree(LOCAL, ignore_errors=True)
    console.print("Everything is stopped. Next: [bold]make up[/bold]")


def remove_lock() -> None:
    """Remove the lock of a killed run. A first deployment that was cut off starts over."""
    stack = local_stack()
    if not stack.is_locked():
        console.print("Stack local is not locked.")
        return
    stack.unlock()
    console.print("The lock of stack local is gone.")
    if not DEPLOYED_TO.exists():
        console.print("Its first deployment was cut off, and what it made is in no state.")
        down(wipe=True)


def _start_emulator(emulator: Emulator, ports: Ports) -> str:
    """Have the embedded AWS run; its process id, which is new when it crashed or was stopped."""
    with step("Starting the embedded AWS"):
        supervision.start(_programs(emulator, ports))
        if not any(s.name == "emulator" and s.is_running for s in supervision.states()):
            supervision.start_process("emulator")
        emulator.wait_until_healthy()
    return next(str(s.pid) for s in supervision.states() if s.name == "emulator")


def _start_doubles(outputs: dict[str, Any], emulator: Emulator, ports: Ports) -> None:
    """What stands for the providers, and credentials that the service has there."""
    for name in ("plaid", "stripe"):
        supervision.start_process(name)
    fill_plaid_secret(outputs, emulator.endpoint)
    _wait_until_healthy("stripe", ports.stripe, "/health")
    hook = f"http://{HOST}:{ports.api}{STRIPE_HOOK}"
    fill_stripe_secret(outputs, emulator.endpoint, f"http://{HOST}:{ports.stripe}", hook)


def _programs(emulator: Emulator, ports: Ports) -> list[supervision.Program]:
    run = [sys.executable, "-P", "-m"]
    return [
        supervision.Program(
            name="emulator",
            command=emulator.command,
            environment=emulator.environment,
            stop_seconds=20,  # it writes its state to disk
        ),
        *(
            supervision.Program(
                name=name,
                command=[
                    *run,
                    f"localcloud.doubles.{name}",
                    str(port),
                    str(LOCAL / f"{name}.json"),
                ],
                environment={},
                stop_seconds=5,
            )
            for name, port in (("plaid", ports.plaid), ("stripe", ports.stripe))
        ),
        _task("service", "budgetbuddy.server", emulator, ports.api, ports),
        _task("worker", "budgetbuddy.worker", emulator, ports.worker, ports),
    ]


def _task(
    name: str, module: str, emulator: Emulator, port: int, ports: Ports
) -> supervision.Program:
    """What ECS would start: `module`, with its environment from the stack's outputs."""
    run = [sys.executable, "-P", "-m", "localcloud.task", module, str(OUTPUTS)]
    doubles = [
        f"PLAID_BASE_URL=http://{HOST}:{ports.plaid}",
        f"STRIPE_BASE_URL=http://{HOST}:{ports.stripe}",
    ]
    return supervision.Program(
        name=name,
        command=[*run, emulator.endpoint, str(port), *doubles, "WEBHOOK_LOOPBACK=true"],
        environment={},
        stop_seconds=40,  # longer than it drains
    )


def _settings(emulator: Emulator, ports: Ports) -> dict[str, str]:
    """What only this machine knows, laid over the repository's stack file."""
    return {
        "budgetbuddy:provider.endpoint": emulator.endpoint,
        "budgetbuddy:edge.publicUrl": f"http://127.0.0.1:{ports.api}",
        "budgetbuddy:imageDigest": f"sha256:{_digest_of_sources()}",
        "budgetbuddy:release": _release(),
    }


def _digest_of_sources() -> str:
    """Stands for the image digest: no image is built here, so it names the service's sources."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "service").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _release() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the developer uses
        cwd=CHECKOUT,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or "0" * 40  # a source archive has no commit


def _wait_until_healthy(name: str, port: int, path: str) -> None:
    client = Client(port)
    pause = threading.Event()
    for _ in range(int(READY_SECONDS / POLL_SECONDS)):
        try:
            if client.call("GET", path).status == 200:  # noqa: PLR2004 - HTTP's OK
                return
        except OSError:
            pass  # not listening yet
        pause.wait(POLL_SECONDS)
    raise LocalCloudError(
        f"The {name} does not become healthy.",
        why=f"last lines of its log:\n{supervision.tail(name, lines=8)}",
        remedy=f"python -m localcloud logs {name}",
    )


def _say_where(ports: Ports, stack: Stack, email: str) -> None:
    api = f"http://127.0.0.1:{ports.api}"
    page = stack.evidence / "index.html"
    console.print()
    console.print(f"  API         {api}/api/v1")
    console.print(f"  Swagger UI  {api}/swagger-ui.html")
    console.print(f"  Evidence    {page.as_uri()}")
    console.print(f"  Demo user   {email}, password in {shown(CREDENTIALS)}")
    console.print()
    console.print("Try it:")
    console.print(f"  curl -s {api}/health/ready")
    console.print(
        "  TOKEN=$(.venv/bin/python -m localcloud token)  &&  "
        f'curl -s -H "Authorization: Bearer $TOKEN" {api}/api/v1/accounts',
        markup=False,
    )
    console.print(
        "Next: open Swagger UI, or [bold]make status[/bold]; [bold]make down[/bold] ends it."
    )
