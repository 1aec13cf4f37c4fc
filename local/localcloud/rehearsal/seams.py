"""The programs of a release that this machine does not have, as scripts, and what they call.

Each says on standard error that it is a seam. `docker build` becomes a copy of the sources named
by their digest; a push tells the double of ECR; after a real `pulumi up` the fleet does what ECS
would.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = f"exec {sys.executable} -P -m localcloud.rehearsal.seams"
TIMEOUT_SECONDS = 300


def absent(name: str, script: str = "exit 0") -> str:
    """A seam that says so and does what `script` does instead."""
    return f'echo "seam: {name} is not run here" >&2; {script}'


SEAMS: Mapping[str, str] = {
    # The environment of this checkout is there already; everything else is the real thing.
    "make": f'[ "$1" = setup ] && exit 0; exec {shutil.which("make")} "$@"',
    "docker": absent("docker", f'{RUN} docker "$@"'),
    "aws": absent("aws", f'{RUN} aws "$@"'),
    # Asks a database on the internet; the pipeline runs it with --strict.
    "pip-audit": absent("pip-audit"),
    "pulumi": (
        'case "$1" in plugin|login) exit 0;; esac; "$REAL_PULUMI" "$@" || exit $?; '
        f'[ "$1" != up ] || {RUN} deployed "$@"'
    ),
}


def docker(arguments: list[str]) -> int:
    """`build` copies, `push` tells the registry, a shell is not in the image."""
    images = Path(os.environ["REHEARSAL_IMAGES"])
    match arguments:
        case ["buildx", "build", *rest]:
            tag = rest[rest.index("--tag") + 1].rpartition(":")[2]
            target = images / "built" / tag
            shutil.rmtree(target, ignore_errors=True)
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree("service/budgetbuddy", target / "budgetbuddy", ignore=ignore)
        case ["push", image]:
            tag = image.rpartition(":")[2]
            built = images / "built" / tag
            digest = digest_of(built, tag)
            status, answer = call("Push", {"tag": tag, "digest": f"sha256:{digest}"})
            if status != http.HTTPStatus.OK:
                sys.stderr.write(f"{answer['__type']}: {tag}\n")
                return 1
            shutil.copytree(built, images / digest, dirs_exist_ok=True)
        case ["exec", _, "sh", *_]:
            return 127
        case ["cp", _, target]:
            Path(target).write_text("")
    return 0


def aws(arguments: list[str]) -> int:
    """`s3 cp` copies into a directory that stands for the evidence bucket."""
    match arguments:
        case ["s3", "cp", *_, source, target]:
            place = Path(os.environ["REHEARSAL_EVIDENCE"]) / urlsplit(target).path.strip("/")
            shutil.copytree(source, place, dirs_exist_ok=True)
    return 0


def deployed(arguments: list[str]) -> int:
    """After `pulumi up`: wait for the steady state, as the provider does, and say how it came."""
    stack = arguments[arguments.index("--stack") + 1]
    asked = [os.environ["REAL_PULUMI"], "stack", "output", "--json", "--stack", stack]
    outputs = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)  # noqa: S603
    status, answer = call("Deploy", {"outputs": outputs})
    sys.stderr.write(f"seam: ECS {answer['status']}, {answer['why']}\n")
    if status == http.HTTPStatus.OK:
        return 0
    urn = f"urn:pulumi:{stack}::budgetbuddy-platform::aws:ecs/service:Service::api"
    message = f"waiting for ECS Service: {answer['status']}: {answer['why']}"
    error = {"diagnosticEvent": {"severity": "error", "urn": urn, "message": message}}
    sys.stdout.write(json.dumps(error) + "\n")
    return 1


def digest_of(directory: Path, tag: str) -> str:
    """SHA-256 over tag, names and contents of the files of an image."""
    found = hashlib.sha256(tag.encode())
    for path in sorted(each for each in directory.rglob("*") if each.is_file()):
        found.update(str(path.relative_to(directory)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def call(operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask the double of ECS and ECR. Raises `OSError` where it is gone."""
    host = urlsplit(os.environ["AWS_ENDPOINT_URL_ECS"]).netloc
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/", json.dumps(body), {"X-Amz-Target": f"rehearsal.{operation}"})
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return answer.status, found


if __name__ == "__main__":
    PROGRAMS = {"docker": docker, "aws": aws, "deployed": deployed}
    sys.exit(PROGRAMS[sys.argv[1]](sys.argv[2:]))
