"""The product answers as the twin does, which follows the definitions word by word."""

from hypothesis import given
from hypothesis import strategies as st

from tests.property import checks
from tests.property.checks import products
from tests.property.product import Product
from tests.property.strategies import Case

Pair = tuple[Case, Product]


@given(products(), st.data())
def test_decisions(pair: Pair, data: st.DataObject) -> None:
    checks.decisions(pair, data)


@given(products(), st.data())
def test_locked_stretches(pair: Pair, data: st.DataObject) -> None:
    checks.listings(pair, data)


@given(products(), st.data())
def test_load(pair: Pair, data: st.DataObject) -> None:
    checks.loads(pair, data)


@given(products(), st.data())
def test_plan(pair: Pair, data: st.DataObject) -> None:
    checks.plans(pair, data)
