"""From where a target stands to what is wished for it, by one patch."""

import json
from datetime import timedelta
from typing import Any

import pytest

from gate.cluster.scaling.values import HELD, ORIGINAL, RAISED, Hold, Wish
from gate.core.decision import Level
from tests.scaling.build import (
    AT,
    NOTHING,
    UID,
    document,
    plan,
    scaled,
    spec_of,
    taken,
    written,
)

LATER = AT + timedelta(hours=1)
FALLBACK = Wish(cause="fallback", level=None, min=20, reason="no plan", never_lower=True)


def notes(found: dict[str, Any]) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in found["metadata"]["annotations"].items()}


def by(found: dict[str, Any], manager: str = "tester", **values: int) -> dict[str, Any]:
    """The document after somebody else's change of its floor or ceiling."""
    names = {"low": "minReplicas", "high": "maxReplicas"}
    return written(found, {"spec": {names[k]: v for k, v in values.items()}}, manager)


def raised(asked: int = 35, low: int = 10, high: int = 40) -> dict[str, Any]:
    return taken(document(low, high), plan(asked))[1]


def test_values_and_annotations_go_in_one_patch_of_what_was_read() -> None:
    made, after = taken(document(10, 30), plan(35))
    assert made.patch is not None
    assert made.patch["metadata"]["resourceVersion"] == "7"
    assert made.patch["spec"] == {"minReplicas": 35, "maxReplicas": 35}
    assert notes(after)[ORIGINAL] == {"min": 10, "max": 30, "uid": UID}
    assert notes(after)[RAISED] == {
        "min": 35,
        "max": 35,
        "cause": "plan",
        "again": 0,
        "at": "2026-06-13T12:00:00Z",
    }


def test_the_release_gives_both_back_in_one_patch() -> None:
    made, after = taken(raised(), NOTHING)
    assert (spec_of(after), notes(after), made.released) == ((10, 40), {}, True)
    assert (made.kept, made.error) == (None, None)


@pytest.mark.parametrize(
    ("own", "asked", "to"),
    [
        ((10, 40), 35, (35, 40)),
        ((10, 30), 35, (35, 35)),
        ((40, 60), 35, (40, 60)),
        ((2, 3), 0, (2, 3)),
        ((50, 50), 50, (50, 50)),
    ],
)
def test_neither_goes_below_the_target_s_own(
    own: tuple[int, int], asked: int, to: tuple[int, int]
) -> None:
    made, after = taken(document(*own), plan(asked))
    assert (spec_of(after), made.changed) == (to, own != to)
    assert (made.patch is None) == (own == to)


def test_a_step_down_goes_by_the_target_s_own_values() -> None:
    found = taken(document(10, 40), plan(50))[1]
    assert spec_of(found) == (50, 50)
    found = taken(found, plan(35))[1]
    assert spec_of(found) == (35, 40)
    assert notes(found)[ORIGINAL]["max"] == 40


def test_a_plan_below_the_target_s_own_floor_releases_it() -> None:
    found = taken(taken(document(40, 60), plan(50))[1], plan(35))[1]
    assert (spec_of(found), notes(found)) == ((40, 60), {})


def test_a_lower_value_is_raised_again_twice_and_then_left() -> None:
    found = raised(35)
    for again in (1, 2):
        made, found = taken(by(found, low=12), plan(35), LATER)
        assert (spec_of(found), made.error, notes(found)[RAISED]["again"]) == (
            (35, 40),
            None,
            again,
        )
    made, found = taken(by(found, "argocd", low=12), plan(35), LATER)
    assert (spec_of(found), made.patch) == ((12, 40), None)
    assert made.error is not None
    assert "argocd" in made.error
    assert made.kept == "changed by argocd"


def test_what_was_left_is_raised_where_the_plan_asks_for_more_than_ever() -> None:
    found = raised(35)
    for _ in range(3):
        found = taken(by(found, low=12), plan(35))[1]
    assert spec_of(found)[0] == 12
    made, found = taken(found, plan(50))
    assert (spec_of(found), made.error) == ((50, 50), None)
    made, found = taken(found, NOTHING)
    assert spec_of(found) == (10, 40)


def test_what_was_left_stays_on_release() -> None:
    found = raised(35)
    for _ in range(3):
        found = taken(by(found, "argocd", low=12), plan(35))[1]
    made, found = taken(found, NOTHING)
    assert (spec_of(found), notes(found)) == ((12, 40), {})
    assert (made.kept, made.error) == ("changed by argocd", None)


def test_a_lowered_ceiling_is_below_the_plan_too() -> None:
    made, found = taken(by(raised(35, high=60), high=45), plan(35))
    assert (spec_of(found), made.changed) == ((35, 60), True)


def test_a_higher_value_is_left_while_raised_and_on_release() -> None:
    found = by(raised(35), low=38)
    made, same = taken(found, plan(35))
    assert (made.patch, made.kept, made.error) == (None, "changed by tester", None)
    made, after = taken(same, NOTHING)
    assert (spec_of(after), made.kept) == ((38, 40), "changed by tester")
    assert notes(after) == {}


def test_a_higher_value_is_raised_by_a_plan_above_it() -> None:
    found = taken(by(raised(35), low=38), plan(50))[1]
    assert spec_of(found) == (50, 50)
    assert taken(found, NOTHING)[1]["spec"]["minReplicas"] == 10


def test_only_the_field_that_somebody_changed_is_kept() -> None:
    made, found = taken(by(raised(50), high=70), NOTHING)
    assert (spec_of(found), made.kept) == ((10, 70), "changed by tester")
    assert made.changed


def test_a_floor_that_was_left_keeps_its_room() -> None:
    found = taken(by(raised(50, high=30), low=45), NOTHING)[1]
    assert spec_of(found) == (45, 45)


def test_the_values_of_another_object_are_never_applied() -> None:
    copied = document(50, 50, uid="another", notes={
        "original": json.dumps({"min": 10, "max": 30, "uid": UID}),
        "raised": json.dumps({"min": 50, "max": 50, "cause": "plan", "again": 0,
                              "at": "2026-06-13T12:00:00Z"}),
    })  # fmt: skip
    made, _ = taken(copied, NOTHING)
    assert (made.patch, made.before) == (None, made.after)
    assert made.note is not None
    assert UID in made.note
    made, found = taken(copied, plan(60))
    assert notes(found)[ORIGINAL] == {"min": 50, "max": 50, "uid": "another"}
    assert spec_of(taken(found, NOTHING)[1]) == (50, 50)


def test_originals_without_what_was_set_are_given_back() -> None:
    original = json.dumps({"min": 10, "max": 30, "uid": UID})
    made, found = taken(document(35, 35, notes={"original": original}), NOTHING)
    assert (spec_of(found), made.kept) == ((10, 30), None)


@pytest.mark.parametrize("name", ["original", "raised"])
def test_annotations_that_cannot_be_read_are_left_alone(name: str) -> None:
    kept = {"original": json.dumps({"min": 10, "max": 30, "uid": UID}), name: "{"}
    made, _ = taken(document(35, 35, notes=kept), NOTHING)
    assert made.patch is None
    assert made.error is not None
    assert name in made.error


@pytest.mark.parametrize("rungs", ["", "10,35", "10,35,20", "0,1,2", "a,b,c", "1.5,2,3", "1,2,3,4",
                                   "-1,2,3", "1,2,99999999999"])  # fmt: skip
def test_a_target_with_bad_rungs_is_left_alone(rungs: str) -> None:
    made, _ = taken(document(notes={"rungs": rungs}), plan(35))
    assert (made.patch, made.changed) == (None, False)
    assert made.error is not None


def test_a_target_that_is_being_deleted_is_left_alone() -> None:
    going = document(metadata={"deletionTimestamp": "2026-06-13T11:00:00Z"})
    made, _ = taken(going, plan(35))
    assert (made.patch, made.error) == (None, None)
    assert made.note == "is being deleted"


def test_the_fallback_raises_and_lowers_nothing() -> None:
    assert spec_of(taken(document(10, 30), FALLBACK)[1]) == (20, 30)
    assert taken(raised(50), FALLBACK)[0].patch is None
    assert taken(document(25, 30), FALLBACK)[0].patch is None
    found = taken(by(raised(50), low=12), FALLBACK)[1]
    assert spec_of(found)[0] == 50


def test_what_the_fallback_raised_is_given_back_by_the_plan() -> None:
    found = taken(taken(document(10, 30), FALLBACK)[1], NOTHING)[1]
    assert spec_of(found) == (10, 30)


def test_a_hold_asks_for_its_ceiling_too() -> None:
    wish = Wish(cause="manual", level=Level.NORMAL, min=15, max=80, reason="a campaign")
    assert spec_of(taken(document(10, 30), wish)[1]) == (15, 80)


def test_holds_are_written_to_the_target_and_taken_from_it() -> None:
    hold = Hold(id="1", cause="manual", min=5, until=LATER, by="dana", reason="a campaign")
    made, found = taken(document(10, 30), plan(0, holds=(hold,)))
    assert (made.changed, notes(found)[HELD][0]["by"]) == (False, "dana")
    assert taken(found, plan(0, holds=(hold,)))[0].patch is None
    made, found = taken(found, plan(0, holds=()))
    assert notes(found) == {}


def test_scaled_objects_are_moved_by_their_own_names() -> None:
    found = taken(scaled(10, 30), plan(35))[1]
    assert found["spec"]["minReplicaCount"] == 35
    assert found["spec"]["maxReplicaCount"] == 35


def test_fields_that_were_not_there_are_not_there_again() -> None:
    before = scaled(None, None)
    made, found = taken(before, plan(35))
    assert (made.before.min, made.before.max, spec_of(found)) == (0, 100, (35, None))
    assert notes(found)[ORIGINAL] == {"min": 0, "max": 100, "uid": UID}
    found = taken(found, plan(120))[1]
    assert spec_of(found) == (120, 120)
    assert taken(found, NOTHING)[1]["spec"] == before["spec"]


def test_an_hpa_without_a_floor_has_one_of_1() -> None:
    made, found = taken(document(None, 5), plan(35))
    assert (made.before.min, spec_of(found)) == (1, (35, 35))
    assert spec_of(taken(found, NOTHING)[1]) == (None, 5)
