"""What the worker tells people: failures that open and end, and the level that it goes by."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from gate.cluster.scaling.gitops import reversals
from gate.cluster.scaling.values import Target
from gate.core.decision import Level
from gate.service.failures import Failure, Failures, Severity
from gate.service.logs import log
from gate.service.outbox import Outbox
from gate.service.scaling.judging import Judged
from gate.service.scaling.run import Outcome
from gate.service.scaling.worker.beside import Amiss
from gate.service.scaling.worker.clock import ServerClock
from gate.service.scaling.worker.lease import Lease
from gate.service.scaling.worker.planning import Planning
from gate.service.scaling.worker.readiness import Missing
from gate.service.scaling.worker.watching import Known

PREFIX = "prescale/"
INPUTS, API_SERVER, CLOCK, DATABASE = (
    f"{PREFIX}{each}" for each in ("inputs", "api-server", "clock", "database")
)


class Said:
    """Failures by component: those of the worker, and ``prescale/KIND/NAMESPACE/NAME``."""

    def __init__(self, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self.failures = Failures(outbox, by="saturday-gate", prefix=PREFIX, clock=clock)
        self._level: tuple[Level | None, bool] | None = None

    def level(self, judged: Judged) -> None:
        """The plan, where it is another than before."""
        now = judged.level, judged.fallback
        if now != self._level:
            self._level = now
            log("prescale-level", level=judged.level, fallback=judged.fallback,
                reason=judged.reason, shortfall=judged.shortfall)  # fmt: skip

    def surroundings(
        self, planning: Planning, known: Known, lease: Lease, clock: ServerClock, outbox: Outbox
    ) -> None:
        """What the worker rests on."""
        self._either(INPUTS, "critical", "the plan is not known: the fallback holds",
                     "; ".join(planning.troubles()))  # fmt: skip
        lost = [*known.troubles, *([lease.trouble] if lease.trouble else [])]
        self._either(API_SERVER, "critical", "the API server cannot be followed", "; ".join(lost))
        off = clock.off
        ahead = 0.0 if off is None else off.total_seconds()
        self._either(
            CLOCK, "warning", "this machine's clock is wrong: the API server's is taken",
            "" if off is None else f"it is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}",
        )  # fmt: skip
        self._either(DATABASE, "warning", "the database does not answer: records wait",
                     outbox.lost or planning.lost or "")  # fmt: skip

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Targets that do not stand as planned, and who keeps putting them back."""
        for each in outcomes:
            step, target = each.step, each.step.target
            again = reversals(step)
            self._either(
                _about("gitops", target), "critical" if step.error else "warning",
                f"{again.manager if again else ''} puts the floor of {target} back",
                "" if again is None else f"{again.times} times; {again.mend}",
            )  # fmt: skip
            error = step.error if again is None else None
            self._either(_about("target", target), "critical",
                         f"{target} does not stand as planned", error or "")  # fmt: skip

    def late(self, missing: Iterable[Missing]) -> None:
        """Floors that are not Ready in time; those that were told before and are not late are."""
        found = {_about("ready", each.target): each for each in missing}
        for component in self.failures.open.keys() - found.keys():
            if component.startswith(f"{PREFIX}ready/"):
                self.failures.well(component)
        for component, each in found.items():
            self._either(component, "critical", f"{each.target} is not Ready in time", each.said)

    def foreseen(self, amiss: Iterable[Amiss]) -> None:
        """Cache settings that do not stand, and what will be short in the days to come."""
        found = {f"{PREFIX}{each.about}": each for each in amiss}
        for component in self.failures.open.keys() - found.keys():
            if component.startswith((f"{PREFIX}cache", f"{PREFIX}capacity")):
                self.failures.well(component)
        for component, each in found.items():
            self._either(component, "warning", each.summary, each.detail)

    def defect(self, said: str | None) -> None:
        """What should never happen."""
        self._either(f"{PREFIX}worker", "critical", "a defect of the worker", said or "")

    def taken_over(self) -> None:
        """What the holder before this one left open, and is not so here, has ended."""
        self.failures.only((), "not seen by the worker that took over")

    def _either(self, component: str, severity: Severity, summary: str, detail: str) -> None:
        if detail:
            self.failures.tell(
                Failure(component=component, severity=severity, summary=summary, detail=detail)
            )
        else:
            self.failures.well(component)


def _about(what: str, target: Target) -> str:
    return f"{PREFIX}{what}/{target.kind}/{target}"
