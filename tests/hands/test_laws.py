"""What is true of any holds, whatever stands on a target and in the database."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.scaling.values import Hold
from gate.ledger.acts.holds import Holds, StandingHold
from tests.hands.build import NOON

IDS = st.sampled_from("abcdef")
PLACES = st.sampled_from([("shop", "checkout"), ("shop", "photos")])


@st.composite
def holds(draw: st.DrawFn) -> Hold:
    low = draw(st.integers(1, 100))
    return Hold(
        id=draw(IDS),
        cause=draw(st.sampled_from(["manual", "emergency"])),
        min=low,
        max=draw(st.none() | st.integers(low, 200)),
        until=NOON + timedelta(minutes=draw(st.integers(-2, 2))),
        by="ann",
        reason="x",
    )


def unique(each: Hold) -> str:
    return each.id


@st.composite
def words(draw: st.DrawFn) -> Holds:
    """What a database may say: an id stands or has ended, never both."""
    standing = draw(st.lists(holds(), unique_by=unique, max_size=4))
    ended = draw(st.frozensets(IDS)) - {hold.id for hold in standing}
    places = [draw(st.none() | PLACES) for _ in standing]
    pairs = zip(places, standing, strict=True)
    return Holds(
        standing=tuple(StandingHold(target=place, hold=hold) for place, hold in pairs), ended=ended
    )


@given(words(), st.lists(holds(), unique_by=unique, max_size=4), PLACES)
def test_the_database_s_word_wins_and_what_it_does_not_know_stays(
    word: Holds, there: list[Hold], place: tuple[str, str]
) -> None:
    on = word.on(*place, there, NOON)
    ids = [hold.id for hold in on]
    assert len(ids) == len(set(ids))
    assert all(hold.until > NOON for hold in on)
    assert not word.ended & set(ids)
    said = {each.hold.id: each.hold for each in word.standing if each.concerns(*place)}
    wanted = {name for name, hold in said.items() if hold.until > NOON}
    unknown = {hold.id for hold in there if hold.until > NOON} - said.keys() - word.ended
    assert set(ids) == wanted | unknown
    assert all(hold.min == said[hold.id].min for hold in on if hold.id in said)
    assert set(word.on(*place, on, NOON)) == set(on), "a second run changes nothing"
    assert set(word.on(*place, there[::-1], NOON)) == set(on), "in any order"
