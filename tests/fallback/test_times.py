"""The clock's texts: which annotations are instants, and how the calendar is cut into lists."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.cluster.fallback.rules import Concern, Rule
from gate.cluster.fallback.segments import segments
from gate.cluster.fallback.times import calendar_variables, instant_text, is_instant
from gate.core.instants import parse_instant

DATES = st.one_of(
    st.dates(date(1960, 1, 1), date(2210, 12, 31)).map(date.isoformat),
    st.from_regex(r"\A(20|19|21)[0-9]{2}-[01][0-9]-[0-3][0-9]\Z"),
    st.sampled_from(["2000-02-29", "2100-02-29", "2024-02-29", "2026-02-29", "2026-04-31"]),
)
TIMES = st.from_regex(r"\A[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?\Z")
OFFSETS = st.sampled_from(["Z", "z", "+00:00", "-23:59", "+24:00", "+01:60", "", "+1:00", "Z "])
INSTANTS = st.builds("{}{}{}{}".format, DATES, st.sampled_from("TtTt "), TIMES, OFFSETS)


def is_one(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True


@given(INSTANTS | st.text(max_size=30))
@example("2026-06-13T14:00:00Z\n")
@example("٢٠٢٦-06-13T14:00:00Z")
@example("2199-12-31T23:59:59-00:01")
@example("2026-06-13T14:00:60Z")
def test_an_annotation_is_an_instant_where_the_contract_has_one(text: str) -> None:
    # Before 1970 it is long past, after 2199 another comparison refuses it.
    if is_instant(text) != is_one(text):
        assert text[:4] in {"1969", "2200"} or text < "1970" or text[:10] == "2199-12-31"


@given(st.datetimes(datetime(2000, 1, 1), datetime(2190, 1, 1)))  # noqa: DTZ001
def test_what_the_worker_writes_is_an_instant(naive: datetime) -> None:
    assert is_instant(naive.replace(microsecond=0).isoformat() + "Z")


def alternating(count: int, *, gaps: bool) -> list[Rule]:
    """Locks of an hour every two hours; without gaps another rule fills the time between."""
    base = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    hour = 3600
    times = [base + 2 * hour * n for n in range(count)]
    found = [Rule("lock", Concern(), tuple((t, t + hour) for t in times))]
    if not gaps:
        shop = Concern(namespaces=("shop",))
        found.append(Rule("lock", shop, tuple((t + hour, t + 2 * hour) for t in times)))
    return found


def lists(variables: dict[str, str]) -> list[list[str]]:
    """The calendar's lists, in order."""
    numbered = (variables.get(f"calendar{n}") for n in range(len(variables)))
    texts = [text for text in numbered if text] or [variables["calendar"]]
    return [re.findall(r"'([^']*)'", text) for text in texts]


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_lists_are_cut_where_nothing_is_locked(count: int) -> None:
    found = segments(alternating(count, gaps=True))
    pieces = lists(dict(calendar_variables(found)))
    assert [entry for piece in pieces for entry in piece] == [
        f"{instant_text(start)}={number}"
        for start, number in zip(found.starts, found.numbers, strict=True)
    ]
    assert all(piece[-1].endswith("=0") for piece in pieces if piece)
    assert all(len(piece) <= 128 for piece in pieces)


def test_lists_that_are_cut_within_a_lock_know_what_follows() -> None:
    pieces = lists(dict(calendar_variables(segments(alternating(1000, gaps=False)))))
    assert len(pieces) > 1
    for first, then in pairwise(pieces):
        assert first[-1] == then[0].replace("=", "+")
    assert "+" not in pieces[-1][-1]


@pytest.mark.parametrize("count", [300, 1000])
def test_the_tree_leads_to_the_list_of_the_moment(count: int) -> None:
    """CEL's ternaries read as Python's, for this one test."""
    variables = dict(calendar_variables(segments(alternating(count, gaps=True))))
    tree = variables["calendar"]
    pieces = lists(variables)
    for number, piece in enumerate(pieces):
        for entry in (piece[0], piece[-1]):
            assert chosen(tree, entry[:19]) == number
    early = (datetime(2026, 6, 1, tzinfo=UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert chosen(tree, early) == 0


def chosen(tree: str, clock: str) -> int:
    """The number of the list that the tree picks."""
    while tree.startswith("("):
        match = re.match(r"\(variables\.clock < '([^']*)' \? ", tree)
        assert match is not None
        rest = tree[match.end() : -1]
        depth = 0
        for at, character in enumerate(rest):
            depth += (character == "(") - (character == ")")
            if depth == 0 and rest[at : at + 3] == " : ":
                tree = rest[:at] if clock < match[1] else rest[at + 3 :]
                break
    return int(tree.removeprefix("variables.calendar"))
