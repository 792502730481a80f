"""The compiled cache gives the same answer or none, and trusts nobody else's writing."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from gate.core.demand import BEFORE_ALL, Calendar, Demand
from gate.inputs import compiled_cache
from gate.inputs import reading as inputs
from tests.cli.test_check import CALENDAR, POLICY, SATURDAY, Files, own_cache
from tests.core.build import policy

__all__ = ["own_cache"]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("*"))


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_: object) -> None:
        raise AssertionError("the documents were read")

    monkeypatch.setattr(inputs, "read_policy", unexpected)
    monkeypatch.setattr(inputs, "compile_sources", unexpected)


def answer(files: Files) -> dict[str, object]:
    outcome = files.check("--at", SATURDAY, "--json")
    assert outcome.code == 3
    document: dict[str, object] = outcome.json
    document.pop("id")
    return document


def test_a_second_run_reads_no_document_and_answers_the_same(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = answer(files)
    assert len(entries(tmp_path)) == 1
    forbid_reading(monkeypatch)
    assert answer(files) == first


def test_changed_bytes_or_another_kind_are_another_entry(files: Files, tmp_path: Path) -> None:
    answer(files)
    files.calendar.write_text(CALENDAR + "c,2026-06-13,Asia/Tokyo\n")
    assert answer(files)["calendar"] != {}
    files.policy.write_text(POLICY + "lead: 1h\n".replace("lead", "# lead"))
    answer(files)
    assert len(entries(tmp_path)) == 3


def test_what_cannot_be_read_is_not_kept(files: Files, tmp_path: Path) -> None:
    files.calendar.write_text("id\n")
    assert files.check("--at", SATURDAY).code == 4
    assert entries(tmp_path) == []


def spoil_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def open_to_all(path: Path) -> None:
    path.chmod(0o666)


def open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [spoil_bytes, truncate, empty, open_to_all, open_folder, replace_by_link, replace_by_pipe],
)
def test_an_entry_in_doubt_is_not_used(
    files: Files, tmp_path: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = answer(files)
    spoil(entries(tmp_path)[0])
    assert answer(files) == first
    with monkeypatch.context() as only:
        only.setattr(compiled_cache, "_check_own", lambda _: None)
    assert compiled_cache.load("absent") is None


def test_a_stranger_s_entry_is_not_used(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(files)
    name = entries(tmp_path)[0].stem
    assert compiled_cache.load(name) is not None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert compiled_cache.load(name) is None


def test_it_can_be_switched_off(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_CACHE_DIR", "")
    answer(files)
    assert entries(tmp_path) == []


def test_it_lives_in_the_user_s_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled_cache.folder() == tmp_path / "saturday-gate" / "compiled"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compiled_cache.folder() == tmp_path / ".cache" / "saturday-gate" / "compiled"


def test_a_folder_that_cannot_be_made_is_no_failure(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file stands here")
    answer(files)


def test_only_the_newest_entries_are_kept(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_cache, "_KEPT_ENTRIES", 2)
    for lead in ("1h", "2h", "3h", "4h"):
        files.policy.write_text(POLICY.replace("2h", lead))
        answer(files)
    assert len(entries(tmp_path)) == 2


def test_demand_beyond_64_bits_is_not_kept_and_leaves_nothing(tmp_path: Path) -> None:
    demand = Demand([BEFORE_ALL], [1e30], [1 << 70], [1])
    entry = compiled_cache.Entry(
        policy=policy(),
        calendar=Calendar(weddings=1, demand=demand, presence={}),
        calendar_sha256="0" * 64,
    )
    compiled_cache.save("large", entry)
    assert compiled_cache.load("large") is None
    assert entries(tmp_path) == []


def test_fractions_survive_exactly() -> None:
    third = Fraction(1, 3)
    packed = msgspec.msgpack.encode([third], enc_hook=compiled_cache._encode)
    unpacked = msgspec.msgpack.decode(packed, type=list[Fraction], dec_hook=compiled_cache._decode)
    assert unpacked == [third]
    with pytest.raises(NotImplementedError):
        msgspec.msgpack.encode(object(), enc_hook=compiled_cache._encode)
    with pytest.raises(NotImplementedError):
        msgspec.msgpack.decode(packed, type=list[complex], dec_hook=compiled_cache._decode)
