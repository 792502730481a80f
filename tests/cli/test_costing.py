"""`gate plan --cost`: what stands in the object and in the table, and what goes with it."""

from datetime import datetime

import pytest

from tests.cli.conftest import Gate
from tests.cli.support import INPUTS

JUNE = ("--from", "2026-06-01T00:00:00Z", "--to", "2026-07-01T00:00:00Z")
WAYS = ["static-maximum", "static-floor", "reactive-hpa", "rungs", "continuous"]


def test_the_object_has_every_way_with_its_short_hours(gate: Gate) -> None:
    ended = gate("plan", *INPUTS, *JUNE, "--cost", "--json")
    assert (ended.code, ended.err) == (0, "")
    told = ended.json
    assert (told["from"], told["to"], told["hours"]) == (
        "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z", 720.0,
    )  # fmt: skip
    assert told["hpa"] == {"delay_seconds": 120.0, "stabilization_seconds": 300.0,
                           "target_percent": 100}  # fmt: skip
    assert [way["way"] for way in told["ways"]] == WAYS
    for way in told["ways"]:
        assert set(way) == {
            "way", "replica_hours", "short_hours", "worst_short", "short_replica_hours",
            "saved_replica_hours", "saved_ratio",
        }  # fmt: skip
        assert way["replica_hours"] + way["saved_replica_hours"] == pytest.approx(720 * 50)


def test_rungs_are_the_plan_summed_up(gate: Gate) -> None:
    changes = gate("plan", *INPUTS, *JUNE, "--json").json
    told = gate("plan", *INPUTS, *JUNE, "--cost", "--json").json

    at = [datetime.fromisoformat(change["at"]) for change in changes]
    ends = [*at[1:], datetime.fromisoformat(told["to"])]
    hours = sum(
        change["min"] * (end - begin).total_seconds() / 3600
        for change, begin, end in zip(changes, at, ends, strict=True)
    )
    assert told["ways"][3]["replica_hours"] == pytest.approx(hours)


def test_a_price_is_exact_and_goes_with_a_currency(gate: Gate) -> None:
    priced = ("--price-per-replica-hour", "0.12", "--currency", "EUR")
    told = gate("plan", *INPUTS, *JUNE, "--cost", *priced, "--json").json
    assert (told["price_per_replica_hour"], told["currency"]) == (0.12, "EUR")
    assert told["ways"][0]["cost"] == 4320.0
    assert told["ways"][0]["saved_cost"] == 0.0
    table = gate("plan", *INPUTS, *JUNE, "--cost", *priced).out
    assert "cost EUR" in table
    assert "4,320.00" in table


def test_no_saving_is_shown_without_its_short_hours(gate: Gate) -> None:
    lines = gate("plan", *INPUTS, *JUNE, "--cost").out.splitlines()
    assert lines[1].split() == ["way", "replica-hours", "saved", "short", "worst", "missing"]
    rows = {line[:20].strip(): line for line in lines[2:7]}
    assert list(rows) == [
        "static maximum (50)", "static floor (10)", "reactive HPA", "plan, rungs",
        "plan, continuous",
    ]  # fmt: skip
    # The weddings of June need more than the ceiling for six hours, whoever provides replicas.
    for name, row in rows.items():
        assert "%" in row, name
    assert "6h" in rows["static maximum (50)"]
    assert "6h" in rows["plan, rungs"]
    assert "3d" in rows["static floor (10)"]


def test_an_autoscaler_as_told(gate: Gate) -> None:
    quick = gate("plan", *INPUTS, *JUNE, "--cost", "--hpa-delay", "0s", "--hpa-stabilization",
                 "0s", "--json").json["ways"]  # fmt: skip
    slow = gate("plan", *INPUTS, *JUNE, "--cost", "--hpa-delay", "1h", "--hpa-target", "70",
                "--json").json["ways"]  # fmt: skip
    assert quick[2]["short_hours"] == quick[0]["short_hours"]
    assert slow[2]["short_hours"] > quick[2]["short_hours"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--hpa-delay", "2m"), "go with --cost"),
        (("--price-per-replica-hour", "1"), "go with --cost"),
        (("--cost", "--currency", "EUR"), "goes with --price-per-replica-hour"),
        (("--cost", "--continuous"), "leave them out"),
        (("--cost", "--rungs"), "leave them out"),
        (("--cost", "--price-per-replica-hour", "-1"), "is not a price"),
        (("--cost", "--price-per-replica-hour", "nan"), "is not a price"),
        (("--cost", "--price-per-replica-hour", "1/3"), "is not a price"),
        (("--cost", "--price-per-replica-hour", "٣"), "is not a price"),
        (("--cost", "--price-per-replica-hour", "9999999999"), "is more than"),
        (("--cost", "--price-per-replica-hour", "1", "--currency", "\x1b[2J"), "printable"),
        (("--cost", "--hpa-target", "0"), "--hpa-target"),
    ],
)
def test_what_does_not_go_together_is_bad_usage(
    gate: Gate, options: tuple[str, ...], said: str
) -> None:
    ended = gate("plan", *INPUTS, *JUNE, *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
