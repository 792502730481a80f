"""The targets that need nothing but themselves: the bare Go webhook, and OPA as a server."""

import json

from benchmarks.webhook.build import PEERS, program
from benchmarks.webhook.freeze import FROZEN
from benchmarks.webhook.target import Target
from tests.controlplane.processes import Process, free_port


class Bare(Target):
    """Parse and answer with Go's standard library: no policy, no clock, no record."""

    name = "bare Go"

    def prepare(self) -> Process:
        """See `Target`."""
        self.port = free_port()
        command = [
            str(program("bare")),
            f"-listen=127.0.0.1:{self.port}",
            f"-tls-cert={self.site.serving.certificate}",
            f"-tls-key={self.site.serving.key}",
            f"-refuse={FROZEN}",
        ]
        return self.process_of(command)

    def url(self, prefix: str) -> str:
        """One address for all."""
        return f"https://127.0.0.1:{self.port}/validate"


class Opa(Target):
    """Open Policy Agent as a server, its policy in Rego; decisions are not logged."""

    name = "OPA"

    def prepare(self) -> Process:
        """See `Target`."""
        opa = program("opa")
        self.port = free_port()
        freeze = self.site.freeze
        data = self.folder / "data.json"
        data.write_text(json.dumps({"freeze": {"zone": freeze.zone, "days": freeze.names()}}))
        command = [
            str(opa), "run", "--server",
            f"--addr=https://127.0.0.1:{self.port}",
            f"--tls-cert-file={self.site.serving.certificate}",
            f"--tls-private-key-file={self.site.serving.key}",
            "--log-level=error",
            "--disable-telemetry",
            str(PEERS / "opa" / "freeze.rego"),
            str(data),
        ]  # fmt: skip
        return self.process_of(command)

    def url(self, prefix: str) -> str:
        """The default decision: ``data.system.main``."""
        return f"https://127.0.0.1:{self.port}/"
