"""Gatekeeper as a plain process beside an API server that has nothing else in its cluster."""

import json
import shutil
from typing import Any

from benchmarks.webhook import build
from benchmarks.webhook.site import MissingTargetError, add_namespace
from benchmarks.webhook.target import Target
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import Process, free_port, wait_for

_NAMESPACE = "gatekeeper-system"
_TEMPLATE = build.PEERS / "gatekeeper" / "template.yaml"
_CONSTRAINTS = "constraints.gatekeeper.sh/v1beta1"
_CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_KIND = "WeekdayFreeze"
_APPLY = ("apply", "--server-side", "--filename")
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
        for path in build.documents("gatekeeper"):
            if not path.name.startswith(_NO_DEFINITIONS):
                plane.kubectl(*_APPLY, str(path), check=True)
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
        kinds = f"{_CRD_PATH}/constrainttemplates.templates.gatekeeper.sh"
        wait_for("constraint templates are served", lambda: _established(plane, kinds))
        plane.kubectl(*_APPLY, str(_TEMPLATE), check=True)
        mine = f"{_CRD_PATH}/{_KIND.lower()}.constraints.gatekeeper.sh"
        try:
            wait_for("Gatekeeper has read the template", lambda: _established(plane, mine))
        except TimeoutError as error:
            raise MissingTargetError(f"{error}\n{self.process.tail()}") from error
        text = "\n---\n".join(json.dumps(each) for each in self._constraints())
        plane.kubectl(*_APPLY, "-", input=text, check=True)

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


def _established(plane: ControlPlane, path: str) -> bool:
    answer = plane.request("GET", path)
    conditions = answer.status == 200 and answer.body.get("status", {}).get("conditions")
    return any(
        condition["type"] == "Established" and condition["status"] == "True"
        for condition in conditions or ()
    )
