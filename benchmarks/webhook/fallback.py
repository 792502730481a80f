"""The lock that needs no webhook: the policy compiled into a ValidatingAdmissionPolicy."""

import importlib.util
import json
import subprocess
import sys
from typing import ClassVar

from benchmarks.webhook.ours import ROOT, calendar, policy
from benchmarks.webhook.site import MissingTargetError, Site
from tests.controlplane.plane import ControlPlane

_WEEKS = 12
_WEDDINGS = 10_000


class Fallback:
    """`gate fallback compile` of the policy of `gate webhook`, applied to an API server."""

    labels: ClassVar[dict[str, str]] = {"saturday-gate.io/protect": "true"}
    """Of the namespaces that it protects."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def apply(self, plane: ControlPlane) -> None:
        """Compile and apply. Raises `MissingTargetError`."""
        if importlib.util.find_spec("gate.cli.fallback") is None:
            raise MissingTargetError("this tree has no `gate fallback`")
        document = self._site.folder / "fallback.json"
        document.write_text(json.dumps(policy(self._site.freeze)))
        out = self._site.folder / "fallback"
        command = [
            sys.executable, "-m", "gate", "fallback", "compile",
            "--policy", str(document),
            "--calendar", str(calendar(self._site, _WEDDINGS)),
            "--weeks", str(_WEEKS),
            "--environment", "production",
            "--out", str(out),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingTargetError(f"`gate fallback compile` says: {done.stderr.strip()}")
        plane.kubectl("apply", "--filename", str(out), check=True)
