"""One day, full of locks and exceptions of all scopes: the compiled lock and the core agree."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.fallback.rules import JUDGED, rules
from gate.cluster.fallback.segments import segments
from gate.core.decision import ManualLock, Phase, Request
from gate.core.instants import HOUR, SECOND, micros
from gate.core.policy import Action
from gate.core.windows import Span
from tests.core.build import timeline

DAY = datetime(2026, 6, 13, tzinfo=UTC)
START = micros(DAY)
WHOLE = Span(START, START + 24 * HOUR)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "environments": st.sampled_from([["prod*"], ["staging"], ["*"]]),
        "namespaces": st.sampled_from([["shop"], ["sh?p", "x"], ["other", "*"], ["nothing"]]),
        "services": st.sampled_from([["api"], ["photo-*"], ["[!a]*"], ["*"], ["api", "p*"]]),
        "repositories": st.sampled_from([["acme/*"]]),
    },
)
SPANS = st.tuples(st.integers(0, 23), st.integers(1, 12)).map(
    lambda span: (DAY + timedelta(hours=span[0]), DAY + timedelta(hours=span[0] + span[1]))
)
WINDOWS = st.builds(
    lambda span, kind, scope: {
        "start": span[0].isoformat(),
        "end": span[1].isoformat(),
        "kind": kind,
        "scope": scope,
    },
    SPANS,
    st.sampled_from(["lock", "lock", "open"]),
    SCOPES,
)
LOCKS = st.builds(
    lambda span, ends, scope, actions: msgspec.convert(
        {
            "id": "m", "by": "alice", "reason": "the cake",
            "start": span[0], "end": span[1] if ends else None,
            "scope": scope, "actions": actions,
        },
        ManualLock,
    ),
    SPANS,
    st.booleans(),
    SCOPES,
    st.lists(st.sampled_from([str(action) for action in Action]), max_size=2, unique=True),
)  # fmt: skip


@given(
    st.lists(WINDOWS, min_size=1, max_size=6),
    st.lists(LOCKS, max_size=2),
    st.sampled_from([None, "production", "staging"]),
)
def test_every_hour_for_everyone(
    windows: list[dict[str, Any]], locks: list[ManualLock], environment: str | None
) -> None:
    named = [{"name": str(number), **window} for number, window in enumerate(windows)]
    line = timeline(
        f"windows: {json.dumps(named)}\nlevel_lock: {{at: never}}\n", locks=tuple(locks)
    )
    found = segments(rules(line, environment, WHOLE))
    for namespace, name in ((n, s) for n in ("shop", "other") for s in (None, "api", "photo-1")):
        views = {
            action: line.view(_request(action, environment, namespace, name), WHOLE)
            for action in JUDGED
        }
        for at in range(START, WHOLE.end, HOUR):
            theirs = {action for action, view in views.items() if view.phase(at) is Phase.LOCKED}
            ours = {a for a in JUDGED if found.locked(at // SECOND, namespace, name, (a,))}
            assert ours == theirs
            for several in (JUDGED[:2], JUDGED[2:], JUDGED):
                expected = not theirs.isdisjoint(several)
                assert found.locked(at // SECOND, namespace, name, several) == expected
            for action in theirs:
                around = views[action].locked_around(at)
                assert around is not None
                end = found.until(at // SECOND, namespace, name, (action,))
                if around[1] < WHOLE.end:
                    assert end == around[1] // SECOND
                else:
                    assert end is None or end >= WHOLE.end // SECOND


def _request(action: Action, environment: str | None, namespace: str, name: str | None) -> Request:
    return Request(
        action=action,
        invoker="human",
        environment=environment,
        namespace=namespace,
        service=name,
    )
