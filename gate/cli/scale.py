"""`gate scale`: capacity by hand, a named person's larger floor of one target until an instant."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from gate.cli.at_hand import hands_of, undone
from gate.cli.cluster import kubeconfig_option
from gate.cli.database import act_of, by_option, database_option, new_id
from gate.cli.ending import end_of, length_option
from gate.cli.exits import Exit
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    json_option,
    stored_inputs_options,
)
from gate.cli.output import complain, print_json, print_json_array
from gate.cli.screen import until_words

if TYPE_CHECKING:
    from gate.service.scaling.by_hand.manual import Event, Released

_TARGET = click.argument("target", metavar="NAMESPACE/NAME")
_LATER = "the pre-scaler applies it once the cluster answers"


@click.group()
def scale() -> None:
    """Hold a target at a larger floor until an instant, and release it.

    Targets are autoscalers (HorizontalPodAutoscaler, KEDA's ScaledObject) with the label
    `saturday-gate.io/prescale: "true"`. With a cluster at hand a floor stands at once; without one
    the pre-scaler applies it.
    """


@scale.command(
    name="set",
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate scale set bookings/checkout --min 60 --for 3h --reason "a flash sale"
  gate scale set bookings/photos --min 40 --max 80 --until 2026-06-14T02:00:00Z \\
      --reason "two castles upload at once" --policy policy.yaml --calendar weddings.csv

\b
Exit codes: 0 done with what is named; 2 bad usage or input, a floor below the one in force
included; 4 not recorded, or not applied, though a database or a cluster is named.
""",
)
@_TARGET
@click.option("--min", "minimum", type=int, required=True, metavar="N", help="The floor, replicas.")
@click.option("--max", "maximum", type=int, metavar="N",
              help="The ceiling; default: the target's own, or --min if more.")  # fmt: skip
@click.option("--until", "end", type=INSTANT, metavar="INSTANT", help="When it ends.")
@length_option
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the record.")
@click.option("--environment", metavar="NAME",
              help="Environment of the target, where an override names one.")  # fmt: skip
@stored_inputs_options
@by_option
@database_option
@kubeconfig_option
@json_option
def set_(
    target: str,
    minimum: int,
    maximum: int | None,
    end: datetime | None,
    length: timedelta | None,
    reason: str,
    environment: str | None,
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    by: str,
    dsn: str | None,
    kubeconfig: str | None,
    as_json: bool,
) -> int:
    """Hold a target at --min replicas at least until an instant.

    It adds to what the plan and others ask: the largest floor counts. Below the floor in force it
    is refused, unless an override of `scale-down` for the target allows it; the plan still counts
    while it asks for more.
    """
    act = act_of(by)
    until = end_of(end, length, act.now)
    if until is None:
        raise click.UsageError("give --until INSTANT or --for DURATION")
    hands = hands_of(dsn, kubeconfig)
    from gate.ledger.acts.floors import Asked  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.by_hand.hands import set_by_hand  # noqa: PLC0415
    from gate.service.scaling.by_hand.in_force import PlanFiles  # noqa: PLC0415

    asked = Asked(target=target, min=minimum, max=maximum, until=until, reason=reason)
    files = PlanFiles(policy=policy_path, calendars=calendar_paths)
    event = set_by_hand(
        hands, act, new_id(act.now), asked, plan=files, environment=environment or None
    )
    if as_json:
        print_json(event)
    else:
        click.echo("\n".join(_words(event, act.now)))
    code = undone(
        hands,
        without_store="the floor stands on its target alone; set it again to have it recorded",
        without_cluster=_LATER,
    )
    return Exit.UNDECIDED if _complained(event) else code


@scale.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate scale release bookings/checkout
  gate scale release bookings/checkout --reason "the sale is over" --json

\b
Exit codes: 0 released, also where nothing was held; 2 bad usage or input; 4 not recorded, or not
taken off, though a database or a cluster is named.
""",
)
@_TARGET
@click.option("--reason", default="", metavar="TEXT", help="Why, for the record.")
@stored_inputs_options
@by_option
@database_option
@kubeconfig_option
@json_option
def release(
    target: str,
    reason: str,
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    by: str,
    dsn: str | None,
    kubeconfig: str | None,
    as_json: bool,
) -> int:
    """End every manual floor of a target now: it goes back to the plan, or to its own values.

    Where policy and calendar are not known here, the target stays where it is until the pre-scaler
    runs.
    """
    act, hands = act_of(by), hands_of(dsn, kubeconfig)
    from gate.service.scaling.by_hand.hands import release_by_hand  # noqa: PLC0415
    from gate.service.scaling.by_hand.in_force import PlanFiles  # noqa: PLC0415

    files = PlanFiles(policy=policy_path, calendars=calendar_paths)
    done = release_by_hand(hands, act, target, reason=reason, plan=files)
    if as_json:
        print_json(done)
    else:
        click.echo("\n".join(_release_words(done, act.now)))
    code = undone(
        hands,
        without_store="a floor that was recorded comes back; release it again with the database",
        without_cluster="the pre-scaler takes it off once the cluster answers",
    )
    return Exit.UNDECIDED if _complained(done) else code


@scale.command(
    name="list",
    epilog="""\b
Examples:
  gate scale list
  gate scale list --all --json
""",
)
@click.option("--all", "everything", is_flag=True, help="The newest that have ended, too.")
@database_option
@kubeconfig_option
@json_option
def list_(everything: bool, dsn: str | None, kubeconfig: str | None, as_json: bool) -> int:
    """List the manual floors that stand, newest first.

    With a cluster at hand also those that were set while the database was away.
    """
    act, hands = act_of(""), hands_of(dsn, kubeconfig)
    from gate.service.scaling.by_hand.hands import held_by_hand  # noqa: PLC0415

    found = held_by_hand(hands, act.now, everything=everything)
    if as_json:
        print_json_array(found)
    else:
        click.echo("\n".join(_listing(found, act.now)))
    return undone(
        hands,
        without_store="only what stands on targets is listed",
        without_cluster="only what the database knows is listed",
    )


def _complained(done: "Event | Released") -> bool:
    if done.error is not None:
        complain(f"{done.target}: {done.error}")
    return done.error is not None


def _listing(events: Sequence["Event"], now: datetime) -> Iterator[str]:
    if not events:
        yield "no manual floors"
    for event in events:
        yield from _words(event, now)


def _words(event: "Event", now: datetime) -> Iterator[str]:
    """``ID  waiting  bookings/checkout at 60 until …``, who and why, and what else is to say."""
    style = {"waiting": "yellow", "applied": "green"}.get(event.status)
    ceiling = "" if event.after.max is None else f" to {event.after.max}"
    yield (
        f"{event.id}  {click.style(event.status, fg=style)}  {event.target}"
        f" at {event.after.min}{ceiling} until {until_words(event.until, now)}"
    )
    yield f"    by {event.by}: {event.reason}"
    if event.override is not None:
        yield f"    below the floor then in force, by override {event.override}"
    if not event.recorded:
        yield "    not recorded: only the target knows of it"
    if event.note is not None:
        yield f"    {event.note}"


def _release_words(done: "Released", now: datetime) -> Iterator[str]:
    if not done.released:
        yield f"{done.target}: no manual floor to release"
    for event in done.released:
        yield from _words(event, now)
    if done.min is not None:
        yield f"{done.target} stands at {done.min} to {done.max}"
    if done.note is not None:
        yield f"    {done.note}"
