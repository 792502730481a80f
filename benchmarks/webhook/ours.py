"""Saturday Gate itself: `gate webhook` with a policy, a calendar and its journal on disk."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.webhook.freeze import FROZEN, Freeze
from benchmarks.webhook.site import MissingTargetError, Site
from benchmarks.webhook.target import Target
from tests.controlplane.processes import Process, free_port

ROOT = Path(__file__).parents[2]
_RULE_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Nothing ships the records here, so the journal keeps all that a run makes.
_JOURNAL_CAP_MIB = 64 * 1024


class Ours(Target):
    """The webhook with some workers, asked of a calendar of some weddings."""

    def __init__(self, site: Site, *, workers: int, weddings: int) -> None:
        super().__init__(site)
        self.name = "gate, 1 worker" if workers == 1 else f"gate, {workers} workers"
        self._workers = workers
        self.weddings = weddings

    def prepare(self) -> Process:
        """See `Target`."""
        if importlib.util.find_spec("gate.cli.webhook") is None:
            raise MissingTargetError("this tree has no `gate webhook`")
        self.port = free_port()
        document = self.folder / "policy.json"
        document.write_text(json.dumps(policy(self.site.freeze)))
        command = [
            sys.executable, "-m", "gate", "webhook",
            "--policy", str(document),
            "--calendar", str(calendar(self.site, self.weddings)),
            "--journal", str(self.folder / "journal"),
            "--journal-cap", str(_JOURNAL_CAP_MIB),
            "--listen", f"127.0.0.1:{self.port}",
            "--tls-cert", str(self.site.serving.certificate),
            "--tls-key", str(self.site.serving.key),
            "--environment", "production",
            "--workers", str(self._workers),
            "--drain", "0s",
        ]  # fmt: skip
        cache = self.folder / "cache"
        environment = {"PYTHONPATH": str(ROOT), "GATE_CACHE_DIR": str(cache)}
        return self.process_of(command, environment)

    def url(self, prefix: str) -> str:
        """One address for all."""
        return f"https://127.0.0.1:{self.port}/validate"


def policy(freeze: Freeze) -> dict[str, object]:
    """The freeze as a policy, with all that a real one has: venues' zones, load, a lead."""
    return {
        "version": 1,
        "name": "webhook-benchmark",
        "timezone": freeze.zone,
        "lead": "2h",
        "windows": [
            {
                "name": prefix,
                "rrule": "FREQ=WEEKLY;BYDAY=" + ",".join(_RULE_DAYS[day] for day in days),
                "zones": ["home", "venues"],
                "scope": {"namespaces": [f"{prefix}*"]},
            }
            for prefix, days in freeze.days().items()
        ],
        "level_lock": {"at": "HIGH", "scope": {"namespaces": [f"{FROZEN}*"]}},
    }


def calendar(site: Site, weddings: int) -> Path:
    """A calendar of the run's year and the next; the same for the same arguments."""
    path = site.folder / f"weddings-{weddings}.csv"
    if not path.exists():
        made = [
            sys.executable, str(ROOT / "examples" / "generate_calendar.py"),
            "--weddings", str(weddings), "--from", f"{site.year}-01-01",
            "--out", str(path),
        ]  # fmt: skip
        subprocess.run(made, check=True)
    return path
