"""RFC 8785 by the quick way is RFC 8785 by the package."""

import json
import math
import sys

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gate.core.decision import LoadNow, Reason
from gate.core.problems import InputError
from gate.ledger.canonical import canonical
from tests.ledger.build import DENIED, decision

safe_integers = st.integers(-(2**53) + 1, 2**53 - 1)
doubles = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | safe_integers | doubles | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_it_writes_what_the_package_writes(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.floats(1e-8, 1e24) | st.floats(-1e17, 1e17) | safe_integers.map(float))
def test_numbers_are_those_of_ecmascript(value: float) -> None:
    assert canonical([value]) == rfc8785.dumps([value])


def test_every_character_is_escaped_alike() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert canonical([every]) == rfc8785.dumps([every])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**53, b"9007199254740992"),
        (-(2**63), b"-9223372036854776000"),
        (2**64, b"18446744073709552000"),
        (10**21, b"1e+21"),
        (10**30 + 1, b"1e+30"),
        (-0.0, b"0"),
        (1538.0, b"1538"),
        (5e-324, b"5e-324"),
        (sys.float_info.max, b"1.7976931348623157e+308"),
    ],
)
def test_large_and_odd_numbers(value: float, written: bytes) -> None:
    assert canonical({"n": value}) == b'{"n":' + written + b"}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "\ud800", {"\udfff": 1}, 10**400])
def test_what_has_no_form_is_bad_input(value: object) -> None:
    with pytest.raises(InputError):
        canonical([value])


def test_keys_are_sorted_by_utf16_code_units() -> None:
    assert canonical({"\U0001f600": 1, "\ufb33": 2}) == '{"\U0001f600":1,"\ufb33":2}'.encode()


counts = st.integers(0, 2**40) | st.integers(2**53 - 3, 2**53 + 3)
loads = st.builds(
    LoadNow,
    demand=st.floats(0, 1e24) | st.integers(0, 2**54).map(float) | st.just(-0.0),
    needed=counts,
    required_replicas=counts,
    shortfall=counts,
    weddings_today=counts,
)


@given(st.none() | loads, texts)
def test_a_decision_is_written_like_any_value(load: LoadNow | None, reason: str) -> None:
    made = msgspec.structs.replace(
        decision("0198", **DENIED), load=load, reasons=(Reason(code="window", message=reason),)
    )
    assert canonical(made) == canonical(msgspec.to_builtins(made))


def test_a_decision_with_half_a_character_is_bad_input() -> None:
    made = decision("0198", **DENIED)
    with pytest.raises(InputError):
        canonical(msgspec.structs.replace(made, tzdata="\ud800"))


def test_a_decision_is_its_printed_json() -> None:
    made = decision("0198", **DENIED)
    assert canonical(made) == rfc8785.dumps(json.loads(msgspec.json.encode(made)))
