"""The double of what a release asks of ECS and ECR, answered from what really runs here.

It speaks their JSON protocol on loopback for the few calls that delivery makes, and refuses every
other. Nothing scans an image on this machine: the scan it reports is empty, and says so.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from localcloud.emulator.process import ACCOUNT_ID
from localcloud.rehearsal.fleet import SUCCESSFUL, Fleet
from localcloud.rehearsal.proxy import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = "budgetbuddy-backend"


@dataclass
class ReleaseCloud:
    """`images` are pushed ones, digest by tag; `fleet` is what runs."""

    fleet: Fleet
    images: dict[str, str] = field(default_factory=dict)

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for one call. Raises KeyError for one that delivery never makes."""
        operations: dict[str, Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]] = {
            "DescribeImages": self._images,
            "DescribeImageScanFindings": self._scan,
            "ListServiceDeployments": self._deployments,
            "DescribeServices": self._services,
            "ListTasks": self._tasks,
            "DescribeTasks": self._containers,
            "Push": self._push,
            "Deploy": self._deploy,
        }
        return operations[operation](body)

    def _images(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        (wanted,) = body["imageIds"]
        for tag, digest in self.images.items():
            if wanted.get("imageTag") == tag or wanted.get("imageDigest") == digest:
                found = {"imageDigest": digest, "imageTags": [tag], "repositoryName": REPOSITORY}
                return 200, {"imageDetails": [found]}
        return 400, {"__type": "ImageNotFoundException", "message": "no such image"}

    def _scan(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        note = "seam: no scanner runs here"
        return 200, {
            "imageId": body["imageId"],
            "imageScanStatus": {"status": "COMPLETE", "description": note},
            "imageScanFindings": {"findings": []},
        }

    def _deployments(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        service = body["service"]
        found = [
            {"serviceDeploymentArn": _arn(f"service-deployment/{service}/{number}"), "status": each}
            for number, (_, each) in enumerate(self.fleet.deployments)
        ]
        return 200, {"serviceDeployments": found[::-1]}

    def _services(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        running = 1 if self.fleet.current else 0
        found = [
            {"serviceName": name, "runningCount": running, "desiredCount": 1}
            for name in body["services"]
        ]
        return 200, {"services": found, "failures": []}

    def _tasks(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        del body
        return 200, {"taskArns": [_arn("task/current")] if self.fleet.current else []}

    def _containers(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        del body
        digest = self.fleet.current.digest if self.fleet.current else ""
        containers = [{"name": "api", "imageDigest": digest}]
        return 200, {"tasks": [{"taskArn": _arn("task/current"), "containers": containers}]}

    def _push(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Tags are immutable: pushing one again is refused."""
        if body["tag"] in self.images:
            return 400, {"__type": "ImageTagAlreadyExistsException", "message": "immutable tag"}
        self.images[body["tag"]] = body["digest"]
        return 200, {}

    def _deploy(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, why = self.fleet.deploy(body["outputs"])
        return 200 if status == SUCCESSFUL else 409, {"status": status, "why": why}


class ReleaseServer:
    """Serves a `ReleaseCloud` on a free port of loopback, from `start` to `stop`."""

    def __init__(self, cloud: ReleaseCloud) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                try:
                    status, answer = cloud.answer(target, json.loads(raw or b"{}"))
                except KeyError:
                    answer = {"__type": "UnknownOperationException", "message": target}
                    status = 400
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """The fleet's log says what happened."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """End, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _arn(resource: str) -> str:
    return f"arn:aws:ecs:us-east-1:{ACCOUNT_ID}:{resource}"
