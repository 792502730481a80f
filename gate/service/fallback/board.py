"""What the fallback's worker knows of itself: alerts, and figures for monitoring."""

import threading
from collections.abc import Mapping
from pathlib import Path

from gate.service.keeper.files import write_whole
from gate.service.logs import log

_HELP: Mapping[str, str] = {
    "compiled_until_seconds": "Instant (Unix time) up to which the installed lock knows windows.",
    "applied_seconds": "Instant (Unix time) at which the lock was written to the cluster last.",
    "clock_age_seconds": "Age of the oldest Lease that is the lock's clock, at the last look.",
    "webhook_answers": "1 where the webhook answered the last probe, 0 where it did not.",
    "standby_until_seconds": "Instant (Unix time) until which the lock stands aside.",
    "namespaces": "Protected namespaces.",
}
_ALERT_HELP = "1 while something is amiss with the fallback lock; the log says what."


class Board:
    """Alerts by key and figures by name; may be written from several threads."""

    def __init__(self) -> None:
        self._alerts: dict[str, str] = {}
        self._known: set[str] = set()
        self._figures: dict[str, float] = {}
        self._guard = threading.Lock()

    def alert(self, key: str, said: str | None) -> None:
        """Raise an alert, or end it (None); each change is a line of the log."""
        with self._guard:
            before = self._alerts.get(key)
            self._known.add(key)
            if said is None:
                self._alerts.pop(key, None)
            else:
                self._alerts[key] = said
        if said is None and before is not None:
            log("alert-over", alert=key)
        elif said is not None and said != before:
            log("alert", alert=key, said=said)

    def figure(self, name: str, value: float) -> None:
        """Note a figure."""
        with self._guard:
            self._figures[name] = value

    @property
    def alerts(self) -> dict[str, str]:
        """The alerts that are raised."""
        with self._guard:
            return dict(self._alerts)

    def text(self) -> str:
        """Alerts and figures in Prometheus' text format."""
        with self._guard:
            alerts, known, figures = dict(self._alerts), sorted(self._known), dict(self._figures)
        lines = []
        for name, help_text in _HELP.items():
            if name in figures:
                lines += _head(name, help_text)
                lines.append(f"gate_fallback_{name} {figures[name]:.15g}")
        lines += _head("alert", _ALERT_HELP)
        lines += [f'gate_fallback_alert{{alert="{key}"}} {int(key in alerts)}' for key in known]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Write `text` to a file, whole; an alert where that cannot be done."""
        try:
            write_whole(path, [self.text().encode()])
        except OSError as error:
            self.alert("metrics", f"{path} cannot be written: {error.strerror}")
        else:
            self.alert("metrics", None)


def _head(name: str, help_text: str) -> list[str]:
    return [f"# HELP gate_fallback_{name} {help_text}", f"# TYPE gate_fallback_{name} gauge"]
