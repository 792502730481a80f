"""`gate plan --cost`: what ways to provide replicas cost, each with its short hours beside it."""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gate.cli.options import DURATION
from gate.cli.output import print_json
from gate.cli.screen import console
from gate.core.costs import Cost, Reaction, costs
from gate.core.instants import SECOND, duration_micros, micros
from gate.core.policy import Capacity
from gate.core.wording import lasting
from gate.inputs import Compiled

if TYPE_CHECKING:
    from rich.table import Table

_NAMES = {
    "static-maximum": "static maximum ({ceiling})",
    "static-floor": "static floor ({floor})",
    "reactive-hpa": "reactive HPA",
    "rungs": "plan, rungs",
    "continuous": "plan, continuous",
}
_USUAL = Reaction()
_MAX_PRICE = 1_000_000_000
_MAX_CURRENCY = 12


class CostOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `gate plan --cost` was given; ``price`` of one replica for an hour."""

    reaction: Reaction
    price: Fraction | None
    currency: str


class _Price(click.ParamType[Fraction, str]):
    """A price as an exact decimal."""

    name = "price"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        """Parse text such as ``0.12``; no fraction, sign or name of a number is a price."""
        text = str(value)
        whole, _, rest = text.partition(".")
        digits = whole + rest
        if not (digits.isascii() and digits.isdigit() and len(text) <= 30) or text.endswith("."):
            self.fail(f"{text[:30]!r} is not a price; write it as 0.12", param, ctx)
        price = Fraction(int(digits), 10 ** len(rest))
        if price > _MAX_PRICE:
            self.fail(f"is more than {_MAX_PRICE}", param, ctx)
        return price


def cost_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--cost`` and what goes with it, handed on as ``asked``: a `CostOptions`, or None."""

    @functools.wraps(command)
    def gathered(
        *args: Any,
        cost: bool,
        hpa_delay: timedelta | None,
        hpa_stabilization: timedelta | None,
        hpa_target: int | None,
        price: Fraction | None,
        currency: str | None,
        **kwargs: Any,
    ) -> Any:
        given = (hpa_delay, hpa_stabilization, hpa_target, price, currency)
        if not cost and any(value is not None for value in given):
            raise click.UsageError("options of the HPA and of prices go with --cost")
        if currency is not None and price is None:
            raise click.UsageError("--currency goes with --price-per-replica-hour")
        if currency is not None and not (
            currency.isprintable() and 0 < len(currency) <= _MAX_CURRENCY
        ):
            raise click.BadParameter(
                f"is 1 to {_MAX_CURRENCY} printable characters", param_hint="--currency"
            )
        reaction = Reaction(
            delay=_or(hpa_delay, _USUAL.delay),
            stabilization=_or(hpa_stabilization, _USUAL.stabilization),
            target=hpa_target or _USUAL.target,
        )
        asked = CostOptions(reaction=reaction, price=price, currency=currency or "")
        return command(*args, asked=asked if cost else None, **kwargs)

    for option in reversed(_options()):
        gathered = option(gathered)
    return gathered


def _options() -> list[Callable[..., Any]]:
    return [
        click.option(
            "--cost", is_flag=True,
            help="Compare replica-hours, and hours short, of ways to provide replicas.",
        ),
        click.option(
            "--hpa-delay", type=DURATION, metavar="DURATION",
            help="With --cost: how long after the load an HPA's Pods are Ready.  [default: 2m]",
        ),
        click.option(
            "--hpa-stabilization", type=DURATION, metavar="DURATION",
            help="With --cost: how long an HPA keeps its highest number.  [default: 5m]",
        ),
        click.option(
            "--hpa-target", type=click.IntRange(1, 100), metavar="PERCENT",
            help="With --cost: the load of a replica that an HPA aims at.  [default: 100]",
        ),
        click.option(
            "--price-per-replica-hour", "price", type=_Price(), metavar="N",
            help="With --cost: what a replica costs an hour.",
        ),
        click.option(
            "--currency", metavar="TEXT",
            help="What stands behind prices, such as EUR.",
        ),
    ]  # fmt: skip


def _or(given: timedelta | None, usual: int) -> int:
    return usual if given is None else duration_micros(given)


def print_costs(
    inputs: Compiled,
    span: tuple[datetime, datetime],
    ahead: timedelta,
    hold: timedelta,
    asked: CostOptions,
    *,
    as_json: bool,
) -> None:
    """The comparison over a range, as one JSON object or as a table."""
    capacity = inputs.policy.load.capacity
    found = costs(
        inputs.timeline.calendar.demand,
        capacity,
        micros(span[0]),
        micros(span[1]),
        ahead=duration_micros(ahead),
        hold=duration_micros(hold),
        reaction=asked.reaction,
    )
    if as_json:
        print_json(_document(found, span, ahead, hold, asked))
        return
    screen = console()
    screen.print(_table(found, span, capacity, asked))
    for line in _notes(asked.reaction):
        screen.print(line, soft_wrap=True)


def _document(
    found: Sequence[Cost],
    span: tuple[datetime, datetime],
    ahead: timedelta,
    hold: timedelta,
    asked: CostOptions,
) -> dict[str, Any]:
    priced: dict[str, Any] = {}
    if asked.price is not None:
        priced = {"price_per_replica_hour": float(asked.price), "currency": asked.currency}
    reaction = asked.reaction
    return {
        "from": span[0],
        "to": span[1],
        "hours": (span[1] - span[0]) / timedelta(hours=1),
        "ahead_seconds": ahead.total_seconds(),
        "hold_seconds": hold.total_seconds(),
        "hpa": {
            "delay_seconds": reaction.delay / SECOND,
            "stabilization_seconds": reaction.stabilization / SECOND,
            "target_percent": reaction.target,
        },
        **priced,
        "ways": [_entry(each, found[0], asked.price) for each in found],
    }


def _entry(each: Cost, maximum: Cost, price: Fraction | None) -> dict[str, Any]:
    saved = maximum.replica_hours - each.replica_hours
    priced: dict[str, Any] = {}
    if price is not None:
        priced = {"cost": float(each.replica_hours * price), "saved_cost": float(saved * price)}
    return {
        "way": each.way,
        "replica_hours": float(each.replica_hours),
        "short_hours": float(each.short_hours),
        "worst_short": each.worst_short,
        "short_replica_hours": float(each.short_replica_hours),
        "saved_replica_hours": float(saved),
        "saved_ratio": float(saved / maximum.replica_hours),
        **priced,
    }


def _table(
    found: Sequence[Cost], span: tuple[datetime, datetime], capacity: Capacity, asked: CostOptions
) -> "Table":
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left", title_style="",
        title=f"Replica-hours over {lasting(span[1] - span[0])}, against the booked load",
    )  # fmt: skip
    table.add_column("way", no_wrap=True)
    headings = ["replica-hours", "saved", "short", "worst", "missing"]
    if asked.price is not None:
        headings.insert(1, f"cost {asked.currency}".strip())
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        table.add_row(*_cells(each, found[0], capacity, asked.price))
    return table


def _cells(each: Cost, maximum: Cost, capacity: Capacity, price: Fraction | None) -> Iterator[str]:
    yield _NAMES[each.way].format(ceiling=capacity.ceiling, floor=capacity.floor)
    yield f"{float(each.replica_hours):,.1f}"
    if price is not None:
        yield f"{float(each.replica_hours * price):,.2f}"
    saved = 1 - each.replica_hours / maximum.replica_hours
    yield f"{float(saved * 100):.1f} %"
    yield lasting(timedelta(microseconds=each.short_micros)) if each.short_micros else "never"
    yield str(each.worst_short or "")
    yield f"{float(each.short_replica_hours):,.1f}" if each.short_micros else ""


def _notes(reaction: Reaction) -> Iterator[str]:
    delay = lasting(timedelta(microseconds=reaction.delay))
    kept = lasting(timedelta(microseconds=reaction.stabilization))
    yield (
        "short: how long more was needed than stood; worst: the most replicas missing at once;"
        " missing: in replica-hours"
    )
    yield (
        f"reactive HPA: follows after {delay}, keeps its highest number for {kept},"
        f" aims at {reaction.target} % of what a replica carries"
    )
    yield "the plan knows the bookings beforehand; what they do not say is not in these figures"
