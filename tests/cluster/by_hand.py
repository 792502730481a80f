"""A person with a terminal: `gate scale` and `gate emergency` with the cluster that they reach."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from gate.store.connect import Target
from tests.cli.run import Outcome, gate
from tests.cluster.prescaling import Prescaling
from tests.controlplane.running import Running
from tests.postgres import fresh_schema

HELD = "saturday-gate.io/held"
NOWHERE = "host=/nonexistent user=gate dbname=gate"
REASON = ("--reason", "a flash sale")


class Start(Protocol):
    def __call__(self, **options: object) -> AbstractContextManager[Running]: ...


class Hand:
    """A person with a terminal: the commands with the cluster that they reach."""

    def __init__(self, stage: Prescaling) -> None:
        self.stage = stage
        self.cluster = ("--kubeconfig", str(stage.plane.kubeconfig()))
        self.plan = ("--policy", str(stage.policy), "--calendar", str(stage.calendar))

    def set(self, minimum: int, *more: str, name: str = "web") -> Outcome:
        target = f"{self.stage.namespace}/{name}"
        asked = ("scale", "set", target, "--min", minimum, *REASON, *self.cluster, "--json")
        length = () if "--until" in more else ("--for", "2h")
        return gate(*asked, *length, *more)

    def release(self, *more: str, name: str = "web") -> Outcome:
        target = f"{self.stage.namespace}/{name}"
        return gate("scale", "release", target, *self.cluster, "--json", *more)

    def emergency(self, verb: str, *more: str) -> Outcome:
        reason = ("--reason", "photos drown") if verb == "activate" else ()
        return gate("emergency", verb, *reason, *self.cluster, "--json", *more)

    def held(self, name: str = "web") -> list[dict[str, Any]]:
        annotations = self.stage.read(name)["metadata"].get("annotations", {})
        found: list[dict[str, Any]] = json.loads(annotations.get(HELD, "[]"))
        return found

    def load_today(self, guests: int) -> None:
        """Let the plan ask for these guests from yesterday to tomorrow."""
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        self.stage.calendar.write_text(
            f"id,date,timezone,days,guests\nnow,{yesterday},UTC,3,{guests}\n"
        )


@contextmanager
def stored(environment: pytest.MonkeyPatch) -> Iterator[Target]:
    """A database, named by the environment."""
    with fresh_schema() as target:
        environment.setenv("GATE_DSN", target.dsn)
        environment.setenv("GATE_SCHEMA", target.schema)
        environment.setenv("GATE_ACTOR", "ann")
        yield target
