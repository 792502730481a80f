"""`gate emergency`: every target at its emergency floor, deploys locked, people told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from gate.cli.at_hand import hands_of, undone
from gate.cli.cluster import kubeconfig_option
from gate.cli.database import act_of, by_option, database_option, new_id
from gate.cli.documents import policy_bytes
from gate.cli.ending import end_of, length_option
from gate.cli.exits import Exit
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    json_option,
    stored_inputs_options,
    stored_policy_option,
)
from gate.cli.output import complain, count, print_json
from gate.cli.screen import until_words
from gate.core.document import read_policy

if TYPE_CHECKING:
    from gate.service.scaling.by_hand.emergency import Told


@click.group()
def emergency() -> None:
    """Raise every target to the emergency floor and lock deploys, by one word; and end it.

    The floor is the policy's `capacity.emergency`. Rollbacks and more replicas stay as the policy
    has them: they mend.
    """


@emergency.command(
    epilog="""\b
Examples:
  gate emergency activate --reason "the photo service is drowning"
  gate emergency activate --reason "region lost" --until 2026-06-14T06:00:00Z --json

\b
Exit codes: 0 begun, extended, or active already; 2 bad usage or input; 4 something is missing
(database away: no lock, no notice; a target or the cluster: no floor): run it again.
"""
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; people are refused by it.")
@click.option("--until", "end", type=INSTANT, metavar="INSTANT",
              help="When it ends by itself; default: 4 hours from now.")  # fmt: skip
@length_option
@stored_policy_option
@by_option
@database_option
@kubeconfig_option
@json_option
def activate(
    reason: str,
    end: datetime | None,
    length: timedelta | None,
    policy_path: str | None,
    by: str,
    dsn: str | None,
    kubeconfig: str | None,
    as_json: bool,
) -> int:
    """Begin an emergency, or extend the one that is active.

    Activating an active one changes nothing but its end, where a later one is given, and does what
    was missing: so it may be repeated.
    """
    act = act_of(by)
    until = end_of(end, length, act.now)
    named = None if policy_path is None else read_policy(policy_bytes(policy_path), policy_path)
    hands = hands_of(dsn, kubeconfig)
    from gate.ledger.acts.emergencies import Ids  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.by_hand import emergency as service  # noqa: PLC0415

    ids = Ids(emergency=new_id(act.now), lock=new_id(act.now))
    told = service.activate(hands, act, ids, reason=reason, until=until, policy=named)
    _print(told, act.now, as_json=as_json)
    code = undone(
        hands,
        without_store="DEPLOYS ARE NOT LOCKED and nobody is told; run this again once it answers",
        without_cluster="FLOORS ARE NOT RAISED; the pre-scaler does it, or run this again",
        needs_store=True,
    )
    return Exit.UNDECIDED if _failed(told) else code


@emergency.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate emergency deactivate
  gate emergency deactivate --reason "photos upload again" --json

\b
Exit codes: 0 ended, also where none was active; 2 bad usage or input; 4 something is left of it
(the database or the cluster is away): run it again.
""",
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the record.")
@stored_inputs_options
@by_option
@database_option
@kubeconfig_option
@json_option
def deactivate(
    reason: str,
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    by: str,
    dsn: str | None,
    kubeconfig: str | None,
    as_json: bool,
) -> int:
    """End the emergency, its lock, and its floors; what others set stays.

    Where policy and calendar are not known here, targets stay where they are until the pre-scaler
    runs.
    """
    act, hands = act_of(by), hands_of(dsn, kubeconfig)
    from gate.service.scaling.by_hand import emergency as service  # noqa: PLC0415
    from gate.service.scaling.by_hand.in_force import PlanFiles  # noqa: PLC0415

    files = PlanFiles(policy=policy_path, calendars=calendar_paths)
    told = service.deactivate(hands, act, reason=reason, plan=files)
    _print(told, act.now, as_json=as_json)
    code = undone(
        hands,
        without_store="if it was recorded there IT STILL STANDS; run this again once it answers",
        without_cluster="the pre-scaler lowers the floors, or run this again",
        needs_store=True,
    )
    return Exit.UNDECIDED if _failed(told) else code


@emergency.command(
    epilog="""\b
Examples:
  gate emergency status
  gate emergency status --json

\b
Exit codes: 0 said, whatever it is; 4 the database or a cluster that is named is away.
"""
)
@database_option
@kubeconfig_option
@json_option
def status(dsn: str | None, kubeconfig: str | None, as_json: bool) -> int:
    """Say whether an emergency stands, until when, and on how many targets."""
    act, hands = act_of(""), hands_of(dsn, kubeconfig)
    from gate.service.scaling.by_hand import emergency as service  # noqa: PLC0415

    told = service.status(hands, act.now)
    _print(told, act.now, as_json=as_json)
    return undone(
        hands,
        without_store="only what stands on targets is known",
        without_cluster="only what the database has is known",
    )


def _failed(told: "Told") -> bool:
    failed = told.targets.failed if told.targets else ()
    for text in failed:
        complain(text)
    return bool(failed)


def _print(told: "Told", now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        click.echo("\n".join(_words(told, now)))


def _words(told: "Told", now: datetime) -> Iterator[str]:
    if not told.id:
        yield "no emergency is active"
        return
    done = {"unchanged": "is active already", "deactivated": "is over"}
    word = done.get(told.change or "", f"is {told.change or 'active'}")
    until = f" until {until_words(told.until, now)}" if told.active and told.until else ""
    yield f"emergency {told.id} {click.style(word, fg='red' if told.active else 'green')}{until}"
    yield f"    by {told.by}: {told.reason}"
    if told.active:
        yield (
            f"    lock {told.lock_id} holds" if told.locked else "    deploys are not locked by it"
        )
    if not told.targets:
        return
    if told.active:
        yield f"    {told.targets.done} of {count(told.targets.labelled, 'target')} raised"
    elif told.targets.waiting:
        yield f"    {count(told.targets.waiting, 'target')} to be lowered by the next pre-scaling"
    else:
        yield f"    {told.targets.done} of {count(told.targets.labelled, 'target')} as before it"
