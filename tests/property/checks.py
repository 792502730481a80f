"""Comparisons of the product with the twin, for the tests and for the soak alike."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.property.product import Product, comparable
from tests.property.strategies import Case, cases, instants, ranges, requests
from tests.twin.zones import DAY, MICROSECOND

POLICY_FORMS = ("yaml", "json")
CALENDAR_FORMS = ("csv", "json", "jsonl")
SECOND = timedelta(seconds=1)
SPANS = tuple(timedelta(seconds=s) for s in (0, 1, 1800, 3600, 5400, 86400))


@dataclass
class DisagreementError(AssertionError):
    """The product and the twin answer differently; ``command`` are the words that ask for it."""

    case: Case
    command: list[str]
    product: Any
    twin: Any

    def __str__(self) -> str:
        place, ours, theirs = first_difference(self.product, self.twin, "answer")
        return (
            f"{shlex.join(self.command)}\n"
            f"{place}: the product says {json.dumps(ours)}, the twin {json.dumps(theirs)}\n"
            f"policy: {self.case.document}\nrows: {self.case.rows}\nlocks: {self.case.locks}"
        )


def first_difference(product: Any, twin: Any, place: str) -> tuple[str, Any, Any]:
    """Where two different answers differ first, and what stands there."""
    keys: Iterable[Any] = ()
    if isinstance(product, dict) and isinstance(twin, dict) and product.keys() == twin.keys():
        keys = product.keys()
    elif isinstance(product, list) and isinstance(twin, list) and len(product) == len(twin):
        keys = range(len(product))
    for key in keys:
        if product[key] != twin[key]:
            return first_difference(product[key], twin[key], f"{place}[{key!r}]")
    return place, product, twin


def agree(case: Case, command: Sequence[str], product: Any, twin: Any) -> None:
    """Raise where the answers differ in anything that the contract settles."""
    if comparable(product) != comparable(twin):
        raise DisagreementError(case, [*command], comparable(product), comparable(twin))


def iso(t: datetime) -> str:
    """An instant as an option of the command line."""
    return t.isoformat().replace("+00:00", "Z")


def asking(request: Mapping[str, str | None]) -> list[str]:
    """A request as options of the command line."""
    return [word for key, value in request.items() if value for word in (f"--{key}", value)]


def span(start: datetime, end: datetime) -> list[str]:
    """A range as options of the command line."""
    return ["--from", iso(start), "--to", iso(end)]


def seconds(t: timedelta) -> str:
    """A duration as an option of the command line."""
    return f"{t // timedelta(seconds=1)}s"


@st.composite
def products(draw: st.DrawFn) -> tuple[Case, Product]:
    """A case and the product on it, in any form of its files."""
    case = draw(cases())
    forms = draw(st.sampled_from(POLICY_FORMS)), draw(st.sampled_from(CALENDAR_FORMS))
    return case, Product(case, *forms)


def decisions(pair: tuple[Case, Product], data: st.DataObject, questions: int = 5) -> None:
    """Decisions agree on random requests at boundaries, beside them, and anywhere."""
    case, product = pair
    for _ in range(questions):
        request = data.draw(requests())
        at = data.draw(instants(case, request))
        command = ["check", "--json", "--at", iso(at), *asking(request)]
        agree(case, command, product.decide(request, at), case.twin.decide(request, at))


def phases(pair: tuple[Case, Product], data: st.DataObject, most: int = 60) -> None:
    """Phases, verdicts and loads agree at every boundary near the focus and beside it."""
    case, product = pair
    request = data.draw(requests())
    view = case.twin.view(request, case.noon - 12 * DAY, case.noon + 12 * DAY)
    edges = {*view.boundaries, *case.twin.loads.breakpoints}
    edges |= {edge - case.twin.policy.lead for edge in edges}
    near = sorted(edges, key=lambda edge: (abs(edge - case.noon), edge))[:most]
    for t in (edge + i * MICROSECOND for edge in near for i in (-1, 0, 1)):
        if abs(t - case.noon) < 12 * DAY:
            answer = product.decide(request, t)
            ours = {key: answer[key] for key in ("phase", "verdict", "level", "load")}
            theirs = {
                "phase": view.phase(t),
                "verdict": view.verdict(t),
                "level": case.twin.loads.level(t),
                "load": case.twin.load_now(t),
            }
            agree(case, ["check", "--json", "--at", iso(t), *asking(request)], ours, theirs)


def listings(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Locked stretches agree on random ranges."""
    case, product = pair
    request = data.draw(requests())
    start, end = data.draw(ranges(case))
    command = ["windows", "--json", *span(start, end), *asking(request)]
    ours, theirs = (one.windows(request, start, end) for one in (product, case.twin))
    agree(case, command, ours, theirs)


def loads(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Load rows agree on random ranges."""
    case, product = pair
    start, end = data.draw(ranges(case))
    step = (end - start) / data.draw(st.integers(1, 40)) // SECOND * SECOND + SECOND
    command = ["load", "--json", *span(start, end), "--step", seconds(step)]
    agree(case, command, product.load(start, end, step), case.twin.load(start, end, step))


def plans(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Plans agree on random ranges, rungs and continuous."""
    case, product = pair
    start, end = data.draw(ranges(case))
    ahead, hold = data.draw(st.sampled_from(SPANS)), data.draw(st.sampled_from(SPANS))
    continuous = data.draw(st.booleans())
    command = ["plan", "--json", *span(start, end)]
    command += ["--ahead", seconds(ahead), "--hold", seconds(hold)]
    command += ["--continuous" if continuous else "--rungs"]
    ours, theirs = (
        one.plan(start, end, ahead=ahead, hold=hold, continuous=continuous)
        for one in (product, case.twin)
    )
    agree(case, command, ours, theirs)
