"""What `kubectl` shows of a decision: why a change is refused, and what is coming."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from gate.core.decision import Decision, Effect, Phase, Reason, Request, Verdict
from gate.core.document.show import duration_text
from gate.core.policy import Action, Policy
from gate.core.printable import plain
from gate.core.wording import allowed_actions, local_time, override_command
from gate.core.zones import zone

MAX_WARNING = 120
"""The longest warning in characters: the API server may cut longer ones."""

AHEAD = timedelta(hours=24)
"""How long before a change would be denied people are told so."""

_HOME_UNREADABLE = "UTC"
_NAMED_CAUSES = 3
_MINUTE = timedelta(minutes=1)
# The same target is refused again and again while a pipeline retries.
_REMEMBERED = 1024


class Notices:
    """Words for the decisions of one policy; ``policy`` is None where it cannot be read."""

    def __init__(self, policy: Policy | None) -> None:
        self._policy = policy
        self._zone_name = _HOME_UNREADABLE if policy is None else policy.timezone
        self._zone = zone(self._zone_name)
        self._will = "would" if policy is not None and policy.mode == "warn" else "will"
        self._time: Callable[[datetime], str] = lru_cache(_REMEMBERED)(self._local)
        self._command: Callable[[Request, tuple[Action, ...]], str] = lru_cache(_REMEMBERED)(
            self._override
        )

    def refusal(self, decision: Decision, actions: Sequence[Action] = ()) -> str:
        """Why a request is blocked. The first line says all that matters; details follow.

        ``actions`` are all that the request does, where they are more than the decision's own.
        """
        denied = decision.verdict is Verdict.DENY
        first = self._denied(decision) if denied else _undecided(decision)
        reasons = decision.reasons if denied else decision.reasons[1:]
        lines = [first, *(f"why: {plain(str(reason.message))}" for reason in reasons)]
        if denied and self._policy is not None:
            lines += self._way_out(self._policy, decision.request, tuple(actions))
        return "\n  ".join([*lines, f"decision: {decision.id}"])

    def warnings(self, decision: Decision) -> tuple[str, ...]:
        """What to tell whoever is not refused, each in `MAX_WARNING` characters at most.

        That a denial did not block; and that a lock begins, as soon as it is near.
        """
        return tuple(_cut(f"Saturday Gate: {plain(text)}") for text in self._warnings(decision))

    def _warnings(self, decision: Decision) -> Iterator[str]:
        action = decision.request.action
        if decision.effect is Effect.WARN:
            if decision.verdict is Verdict.DENY:
                until = self._until(decision)
                yield f"{action} would be denied{until}, but for mode warn"
            else:
                yield f"could not decide on this {action}: {_first_reason(decision)}"
        elif decision.override is not None:
            applied = decision.override
            until = self._time(applied.until)
            yield f"{action} allowed by an override of {applied.by} until {until} ({applied.id})"
        if decision.phase is Phase.LEAD and decision.locked_from is not None:
            yield f"a lock begins at {self._when(decision.locked_from)}: {_causes(decision)}"
        if decision.verdict is Verdict.ALLOW and decision.next_change is not None:
            left = decision.next_change - decision.at
            if left <= AHEAD:
                at = self._when(decision.next_change)
                yield f"{action} {self._will} be denied in {_length(left)}, from {at}"

    def _denied(self, decision: Decision) -> str:
        request, policy, phase = decision.request, self._policy, decision.phase
        assert policy is not None
        assert phase is not None
        begins = ""
        if phase is Phase.LEAD and decision.locked_from is not None:
            begins = f", which locks from {self._time(decision.locked_from)}"
        allowed = ", ".join(allowed_actions(policy, phase, request.invoker)) or "nothing"
        return (
            f"{request.action} of {_target(request)} is denied{self._until(decision)},"
            f" to protect weddings ({_causes(decision)}{begins})."
            f" Still allowed: {allowed}. {_whom(policy)}"
        )

    def _way_out(
        self, policy: Policy, request: Request, actions: tuple[Action, ...]
    ) -> Iterator[str]:
        if not policy.override.roles:
            return
        if request.invoker == "automation" and not policy.override.automation:
            yield "override: not for automation; a person who has one can make the change"
        else:
            yield f"override: {self._command(_bare(request), actions)}"

    def _override(self, request: Request, actions: tuple[Action, ...]) -> str:
        assert self._policy is not None
        rules = self._policy.override
        ending = ("--for", duration_text(rules.max_ttl))
        return plain(override_command(request, rules.roles[0], ending=ending, actions=actions))

    def _until(self, decision: Decision) -> str:
        if decision.next_change is None:
            return ", with no end in the next 400 days"
        return f" until {self._when(decision.next_change)}"

    def _when(self, instant: datetime) -> str:
        return f"{self._time(instant)} ({self._zone_name})"

    def _local(self, instant: datetime) -> str:
        return local_time(instant, self._zone)


def _undecided(decision: Decision) -> str:
    return (
        f"could not decide whether {decision.request.action} of {_target(decision.request)} may"
        f" go out, so it is blocked: {_first_reason(decision)}. Ask whoever runs Saturday Gate"
    )


def _first_reason(decision: Decision) -> str:
    return plain(str(decision.reasons[0].message)) if decision.reasons else "no reason is known"


def _causes(decision: Decision) -> str:
    named = list(dict.fromkeys(map(_cause, decision.reasons)))
    more = len(named) - _NAMED_CAUSES
    rest = [f"{more} more"] if more > 0 else []
    return plain(", ".join([*named[:_NAMED_CAUSES], *rest]))


def _cause(reason: Reason) -> str:
    kind = reason.cause or reason.code
    if kind == "window":
        return f"window {reason.window}"
    return f"a lock by {reason.by}" if kind == "manual-lock" else "the weddings' load"


def _target(request: Request) -> str:
    name = request.service or "an object without a name"
    return plain(f"{name} in {request.namespace}" if request.namespace else name)


def _whom(policy: Policy) -> str:
    roles = _listed(policy.override.roles)
    return f"To override, ask {roles}" if roles else "Nobody may override"


def _listed(roles: Iterable[str]) -> str:
    return plain(" or ".join(roles))


def _bare(request: Request) -> Request:
    """The request without who asks and under which uid: what an override's command names."""
    return Request(
        action=request.action,
        invoker=request.invoker,
        environment=request.environment,
        namespace=request.namespace,
        service=request.service,
    )


def _length(left: timedelta) -> str:
    """``23h 5m``, ``40m``: rounded down to the minute."""
    hours, minutes = divmod(left // _MINUTE, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WARNING else f"{text[: MAX_WARNING - 3]}..."
