"""Comparisons of the product with the twin, for the tests and for the soak alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.property.product import Product, comparable
from tests.property.strategies import Case, cases, instants, ranges, requests

POLICY_FORMS = ("yaml", "json")
CALENDAR_FORMS = ("csv", "json", "jsonl")
SPANS = tuple(timedelta(seconds=s) for s in (0, 1, 1800, 3600, 5400, 86400))


@dataclass
class DisagreementError(AssertionError):
    """The product and the twin answer differently; the case reproduces it."""

    case: Case
    asked: str
    product: Any
    twin: Any

    def __str__(self) -> str:
        return (
            f"{self.asked}\nproduct: {json.dumps(self.product)}\n   twin: {json.dumps(self.twin)}"
            f"\npolicy: {self.case.document}\nrows: {self.case.rows}\nlocks: {self.case.locks}"
        )


def agree(case: Case, asked: str, product: Any, twin: Any) -> None:
    """Raise where the answers differ in anything that the contract settles."""
    if comparable(product) != comparable(twin):
        raise DisagreementError(case, asked, comparable(product), comparable(twin))


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
        asked = f"check {dict(request)} at {at.isoformat()}"
        agree(case, asked, product.decide(request, at), case.twin.decide(request, at))


def listings(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Locked stretches agree on random ranges."""
    case, product = pair
    request = data.draw(requests())
    start, end = data.draw(ranges(case))
    asked = f"windows {dict(request)} {start.isoformat()} {end.isoformat()}"
    agree(case, asked, product.windows(request, start, end), case.twin.windows(request, start, end))


def loads(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Load rows agree on random ranges."""
    case, product = pair
    start, end = data.draw(ranges(case))
    step = max((end - start) / data.draw(st.integers(1, 40)), timedelta(microseconds=1))
    asked = f"load {start.isoformat()} {end.isoformat()} {step}"
    agree(case, asked, product.load(start, end, step), case.twin.load(start, end, step))


def plans(pair: tuple[Case, Product], data: st.DataObject) -> None:
    """Plans agree on random ranges, rungs and continuous."""
    case, product = pair
    start, end = data.draw(ranges(case))
    how: Mapping[str, Any] = {
        "ahead": data.draw(st.sampled_from(SPANS)),
        "hold": data.draw(st.sampled_from(SPANS)),
        "continuous": data.draw(st.booleans()),
    }
    asked = f"plan {start.isoformat()} {end.isoformat()} {dict(how)}"
    agree(case, asked, product.plan(start, end, **how), case.twin.plan(start, end, **how))


def iso(t: datetime) -> str:
    """An instant as an option of the command line."""
    return t.isoformat().replace("+00:00", "Z")
