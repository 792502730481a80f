"""Gatekeeper as a plain process beside an API server that has nothing else in its cluster."""

import json
import shutil
from typing import Any

from benchmarks.webhook import build
from benchmarks.webhook.definitions import APPLY, define, wait_served
from benchmarks.webhook.site import add_namespace
from benchmarks.webhook.target import Target
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import Process, free_port

_NAMESPACE = "gatekeeper-system"
_TEMPLATE = build.PEERS / "gatekeeper" / "template.yaml"
_CONSTRAINTS = "constraints.gatekeeper.sh/v1beta1"
_KIND = "WeekdayFreeze"
# The repository's generator also leaves unfinished ones, and one that a test uses.
_NO_DEFINITIONS = ("_", "match.")


class Gatekeeper(Target):
    """Gatekeeper with a template in Rego and a constraint for either kind of namespace."""

    name = "Gatekeeper"

    def prepare(self) -> Process:
        """See `Target`. The namespace of a review must exist, else it is denied as an error."""
        plane = self.site.api_server()
        gatekeeper = build.program("gatekeeper")
        certificates = self.folder / "certificates"
        certificates.mkdir()
        shutil.copy(self.site.serving.certificate, certificates / "tls.crt")
        shutil.copy(self.site.serving.key, certificates / "tls.key")
        documents = build.documents("gatekeeper")
        define(plane, (each for each in documents if not each.name.startswith(_NO_DEFINITIONS)))
        add_namespace(plane, _NAMESPACE)
        self.port = free_port()
        command = [
            str(gatekeeper),
            f"--kubeconfig={plane.kubeconfig('gatekeeper', ('system:masters',))}",
            "--debug-use-fake-pod",
            "--disable-cert-rotation",
            f"--cert-dir={certificates}",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--operation=webhook",
            "--operation=generate",
            f"--health-addr=127.0.0.1:{free_port()}",
            f"--prometheus-port={free_port()}",
            f"--exempt-namespace={_NAMESPACE}",
            "--log-level=WARNING",
            "--shutdown-delay=0",
        ]
        return self.process_of(command, {"POD_NAMESPACE": _NAMESPACE})

    def start(self) -> None:
        """Its constraints can be made when it runs and has made their kind of its template."""
        plane = self.site.api_server()
        self.process = self.prepare()
        self.process.start()
        self._teach(plane)
        self.wait_right()

    def _teach(self, plane: ControlPlane) -> None:
        plane.kubectl(*APPLY, str(_TEMPLATE), check=True)
        wait_served(plane, f"{_KIND.lower()}.constraints.gatekeeper.sh")
        text = "\n---\n".join(json.dumps(each) for each in self._constraints())
        plane.kubectl(*APPLY, "-", input=text, check=True)

    def _constraints(self) -> list[dict[str, Any]]:
        kinds = ["Deployment", "StatefulSet", "DaemonSet"]
        return [
            {
                "apiVersion": _CONSTRAINTS,
                "kind": _KIND,
                "metadata": {"name": prefix},
                "spec": {
                    "match": {
                        "kinds": [{"apiGroups": ["apps"], "kinds": kinds}],
                        "namespaces": [f"{prefix}*"],
                    },
                    "parameters": {"zone": self.site.freeze.zone, "days": days},
                },
            }
            for prefix, days in self.site.freeze.names().items()
        ]

    def url(self, prefix: str) -> str:
        """One address for all."""
        return f"https://127.0.0.1:{self.port}/v1/admit"
