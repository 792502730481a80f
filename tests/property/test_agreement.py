"""The product answers as the twin does, which follows the definitions word by word."""

from hypothesis import given
from hypothesis import strategies as st

from tests.property import checks
from tests.property.checks import products
from tests.property.effort import examples
from tests.property.product import Product
from tests.property.strategies import Case

Pair = tuple[Case, Product]


@examples(0.5)
@given(products(), st.data())
def test_decisions(pair: Pair, data: st.DataObject) -> None:
    checks.decisions(pair, data)


@examples(0.5)
@given(products(), st.data())
def test_phases(pair: Pair, data: st.DataObject) -> None:
    checks.phases(pair, data)


@examples(0.5)
@given(products(), st.data())
def test_locked_stretches(pair: Pair, data: st.DataObject) -> None:
    checks.listings(pair, data)


@examples(0.5)
@given(products(), st.data())
def test_load(pair: Pair, data: st.DataObject) -> None:
    checks.loads(pair, data)


@examples(0.5)
@given(products(), st.data())
def test_plan(pair: Pair, data: st.DataObject) -> None:
    checks.plans(pair, data)
