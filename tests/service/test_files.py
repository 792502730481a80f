"""Files of the state folder are there whole or not at all; log lines never stop anyone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.service.keeper.files import prepare, write_whole
from gate.service.keeper.slot import Slot
from gate.service.logs import log


def test_a_file_that_could_not_be_made_leaves_the_one_before(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("the database has gone")

    path = tmp_path / "policy"
    write_whole(path, [b"all ", b"of it"])
    with pytest.raises(RuntimeError):
        write_whole(path, pieces())
    assert [each.name for each in tmp_path.iterdir()] == ["policy"]
    assert path.read_bytes() == b"all of it"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / ".new-abc").write_bytes(b"half")
    (folder / "snapshot.json").write_bytes(b"{}")
    prepare(folder)
    assert [each.name for each in folder.iterdir()] == ["snapshot.json"]


def test_a_slot_holds_the_newest() -> None:
    slot: Slot[int] = Slot()
    slot.put(1)
    slot.put(2)
    assert slot.take() == 2
    slot.put_back(2)
    slot.put(3)
    slot.put_back(2)
    slot.close()
    assert (slot.take(), slot.take(), slot.closed) == (3, None, True)
    slot.wait(10)


def test_a_log_line_is_json(capfd: pytest.CaptureFixture[str]) -> None:
    log("lost", path=Path("/x"), text="two\nlines \ud800", number=3)
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["event"], said["path"], said["number"]) == ("lost", "/x", 3)
    assert said["at"].endswith("Z")


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    code = "import os; os.close(2); from gate.service.logs import log; log('x'); print('on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "on\n"
