"""`gate journal`: what waits, shipping it by hand, showing it."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gate.journal.layout import encode_batch, header_of_name
from gate.store.connect import Target
from tests.cli import run as command
from tests.journal.support import ids_in, written
from tests.postgres import fresh_schema

Gate = Callable[..., command.Outcome]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """`gate` without the machine's own settings."""
    for name in ("GATE_DSN", "GATE_SCHEMA", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return command.gate


@pytest.fixture
def store(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A migrated schema, named by the environment."""
    with fresh_schema(prefix="jc") as target:
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        yield target


def test_status_says_what_waits(gate: Gate, folder: Path) -> None:
    folder.mkdir()
    assert gate("journal", "status", folder).out.startswith("0 records in 0 segments, 0 bytes")
    written(folder, [2, 1])
    with open(written(folder, [4], mark=False), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = gate("journal", "status", folder, "--json")
        assert found.code == 0
        assert found.json["records"] == 7
        assert found.json["oldest_at"] == "2026-06-13T12:00:00.001000Z"
        states = {each["state"]: each["records"] for each in found.json["segments"]}
        assert states == {"ended": 3, "writing": 4}
        lines = gate("journal", "status", folder).out.splitlines()
    assert lines[0].startswith("7 records in 2 segments, ")
    assert "the oldest " in lines[0]
    assert {line.split()[0] for line in lines[1:]} == {"ended", "writing"}
    assert len(ids_in(folder)) == 7


def test_show_prints_each_record(gate: Gate, folder: Path) -> None:
    segment = written(folder, [2, 1])
    for words in ((), ("--json",)):
        found = gate("journal", "show", folder, *words)
        assert found.code == 0
        assert [line["payload"]["id"] for line in found.lines] == ids_in(folder)
        assert [line["number"] for line in found.lines] == [1, 2, 3]
        assert {line["segment"] for line in found.lines} == {segment.name}
        assert {line["door"] for line in found.lines} == {"webhook"}


def test_ship_moves_all_that_is_there(gate: Gate, store: Target, folder: Path) -> None:
    written(folder, [2, 1])
    wanted = ids_in(folder)
    shipped = gate("journal", "ship", folder, "--json")
    assert (shipped.code, shipped.err) == (0, "")
    assert shipped.json == {"ok": True, "shipped": 3, "left": 0, "refused": 0, "damaged": 0}
    assert list(folder.iterdir()) == []
    assert [row["id"] for row in gate("audit", "export").lines] == wanted
    assert gate("journal", "ship", folder).out == "0 records shipped, 0 left\n"
    assert gate("audit", "verify").code == 0


def test_ship_says_what_it_could_not_move(gate: Gate, store: Target, folder: Path) -> None:
    segment = written(folder, [2, 2])
    data = segment.read_bytes()
    place = data.index(ids_in(folder)[0].encode())
    segment.write_bytes(data[:place] + b"zzzz" + data[place + 4 :])
    first = gate("journal", "ship", folder)
    assert first.code == 4
    assert "records 1 in bytes" in first.err
    assert "3 records shipped, 0 left" in first.out
    assert f"1 segment damaged, for a person to look at: {folder}/damaged" in first.out
    again = gate("journal", "ship", folder, "--json")
    assert (again.code, again.json["damaged"], again.json["ok"]) == (4, 1, False)
    assert "1 segment damaged" in gate("journal", "status", folder).out


def test_a_damaged_segment_is_shown_with_what_is_wrong(gate: Gate, folder: Path) -> None:
    folder.mkdir()
    (folder / "holiday.seg").write_bytes(b"photographs" * 100)
    lines = gate("journal", "status", folder).out.splitlines()
    assert lines[1].startswith("damaged  holiday.seg")
    assert lines[2].strip() == "it is no segment"


def test_a_payload_that_is_no_json_is_shown_in_base64(
    gate: Gate, store: Target, folder: Path
) -> None:
    segment = written(folder, [])
    header = header_of_name(segment.name)
    assert header is not None
    batch = encode_batch(header.salt, [1, 2], [b"\xff\xfe", b"{}"])
    segment.write_bytes(segment.read_bytes()[:512] + batch)
    shown = gate("journal", "show", folder).lines
    assert shown[0]["payload_base64"] == "//4="
    assert "payload" not in shown[0]
    assert shown[1]["payload"] == {}
    ended = gate("journal", "ship", folder)
    assert ended.code == 4
    assert "2 records refused by the ledger" in ended.out
    assert ended.err.count("the ledger refuses a record") == 2


def test_a_database_out_of_reach_leaves_all_where_it_is(gate: Gate, folder: Path) -> None:
    written(folder, [3])
    ended = gate("journal", "ship", folder, "--dsn", "host=/nonexistent user=g dbname=g", "--json")
    assert (ended.code, ended.out) == (4, "")
    assert "not available" in ended.err
    assert len(ids_in(folder)) == 3


@pytest.mark.parametrize("name", ["status", "ship", "show"])
def test_a_folder_that_is_none_is_bad_usage(gate: Gate, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "no", tmp_path / "file"):
        ended = gate("journal", name, path)
        assert (ended.code, ended.out) == (2, "")
        assert str(path.name) in ended.err


def test_ship_needs_a_database(gate: Gate, folder: Path) -> None:
    folder.mkdir()
    ended = gate("journal", "ship", folder)
    assert ended.code == 2
    assert "no database is named" in ended.err
