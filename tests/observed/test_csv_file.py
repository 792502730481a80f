"""Load from a CSV file."""

from fractions import Fraction
from pathlib import Path

import pytest

from gate.load_sources import csv_file
from gate.load_sources.opening import source_of
from gate.load_sources.port import LoadSource, Part, SourceFailedError
from tests.observed.build import MINUTE, observing, us

NOON = us("2026-02-14T12:00:00Z")


def source(path: Path) -> LoadSource:
    text = f"  observed: {{source: csv, file: '{path}', units_per_value: 2}}\n"
    return source_of(observing("", text), {})


def written(folder: Path, text: str) -> LoadSource:
    path = folder / "load.csv"
    path.write_bytes(text.encode())
    return source(path)


def test_the_rows_of_an_instant_are_summed(tmp_path: Path) -> None:
    asked = written(
        tmp_path,
        "\ufefftimestamp,zone,culture,value\r\n"
        "2026-02-14T11:59:00Z,,,3\r\n"
        "\r\n"
        "2026-02-14T12:00:00Z,Europe/London,greek,1.5\r\n"
        "2026-02-14T13:00:00+01:00,Europe/London,greek,1e1\r\n"
        "2026-02-14T12:00:00Z,Nowhere,martian,4\r\n"
        "2026-02-14T12:01:00Z,,,NaN\r\n",
    )
    reading = asked.latest(NOON + 5 * MINUTE)
    assert reading.at == NOON
    assert reading.parts == (
        Part(units=Fraction(8)),
        Part(zone="Europe/London", culture="greek", units=Fraction(23)),
    )
    between = asked.between(0, NOON)
    assert [(each.at, each.units) for each in between] == [
        (NOON - MINUTE, Fraction(6)), (NOON, Fraction(31)),
    ]  # fmt: skip
    assert asked.latest(NOON - 1).parts == (Part(units=Fraction(6)),)
    assert asked.latest(0).total is None


def test_a_last_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    asked = written(tmp_path, "timestamp,value\n2026-02-14T11:59:00Z,3\n2026-02-14T12:00:00Z,1")
    assert asked.latest(NOON).at == NOON - MINUTE
    assert written(tmp_path, "timestamp,value\n2026").latest(NOON).total is None


def test_of_a_large_file_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MOST_BYTES", 60)
    rows = "".join(f"2026-02-14T11:{minute}:00Z,{minute}\n" for minute in range(10, 60))
    asked = written(tmp_path, "timestamp,value\n" + rows)
    assert [each.units for each in asked.between(0, NOON)] == [116, 118]
    broken = written(tmp_path, "timestamp,value\n" + rows + "x\n")
    with pytest.raises(SourceFailedError, match="near its end: line"):
        broken.latest(NOON)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: the header has no column 'timestamp'"),
        ("timestamp\n", ":1: the header has no column 'value'"),
        ("timestamp,value,place\n", ":1: column 'place' is not known"),
        ("timestamp,value,value\n", ":1: a column stands twice"),
        ("timestamp,value\n2026-02-14T12:00:00Z\n", ":2: has 1 cells; the header has 2"),
        ("timestamp,value\n\n2026-02-14,1\n", ":3: '2026-02-14' is not an instant"),
        ("timestamp,value\n2026-02-14T12:00:00,1\n", ":2: .* has no offset"),
        ("timestamp,value\n2026-02-14T12:00:00Z,-1\n", ":2: '-1' is no load"),
        ("timestamp,value\n2026-02-14T12:00:00Z,1e17\n", ":2: '1e17' is no load"),
        ("timestamp,value\n2026-02-14T12:00:00Z,1e999999999\n", ":2: .* is no number"),
        ("timestamp,value\n2026-02-14T12:00:00Z,1_0\n", ":2: '1_0' is no number"),
        ("timestamp,value\n2026-02-14T12:00:00Z,\n", ":2: '' is no number"),
        ('timestamp,value\n"2026\n', ":2: "),
        ("timestamp,value\n\udcff\n", "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "load.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SourceFailedError, match=said) as refused:
        source(path).latest(NOON)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceFailedError, match="none cannot be read: No such file"):
        source(tmp_path / "none").latest(NOON)
    with pytest.raises(SourceFailedError, match="cannot be read: Is a directory"):
        source(tmp_path).latest(NOON)
