"""Files as bytes: whether they are there, can be read, and which kind and digest they have."""

import os
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from gate.calendars import (
    NotAFile,
    calendar_sha256,
    check_paths,
    kind_of,
    read_calendars,
    read_rows,
)
from gate.calendars import source as source_module
from gate.core.problems import InputError
from tests.calendars.files import LOAD, as_csv, as_json, as_jsonl, problems_of, row, written

ONE = as_jsonl([row("a")])
TWO = as_jsonl([row("a"), row("b")])
MARK = b"\xef\xbb\xbf"
NOBODY = 65_534


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("w.csv", b"[", "csv"),
        ("w.CSV", b"{", "csv"),
        ("w.json", b"id", "json"),
        ("w.jsonl", b"[", "jsonl"),
        ("w.ndjson", b"id", "jsonl"),
        ("w.ics", b"id", "ics"),
        ("w", b"[]", "json"),
        ("w.txt", MARK + b"[]", "json"),
        ("w.txt", b" []", "csv"),
        ("w", b'{"weddings": []}', "json"),
        ("w", b'{"weddings":\n[]\n}\n', "json"),
        ("w", MARK + ONE, "json"),
        ("w", ONE, "json"),
        ("w", TWO, "jsonl"),
        ("w", MARK + TWO, "jsonl"),
        ("w", b"{\n", "jsonl"),
        ("w", b"{" * 100_000, "jsonl"),
        ("w", b'{"\xff', "jsonl"),
        ("w.csv.gz", b"\x1f\x8b", "csv"),
        ("w", b"id,date", "csv"),
        ("w", b"", "csv"),
        (".json", b"id", "csv"),
    ],
)
def test_the_kind_is_told_by_extension_else_by_the_first_character(
    name: str, data: bytes, kind: str
) -> None:
    assert kind_of(name, data) == kind


@pytest.mark.parametrize(
    "data",
    [as_csv([row("a"), row("b")]), as_json([row("a"), row("b")]), TWO, MARK + TWO],
    ids=["csv", "json", "jsonl", "marked"],
)
def test_a_file_without_a_known_extension_is_read(tmp_path: Path, data: bytes) -> None:
    assert read_calendars([written(tmp_path, "weddings", data)], LOAD).calendar.weddings == 2


def test_the_digest_of_one_file_is_of_its_bytes(tmp_path: Path) -> None:
    data = MARK + as_csv([row()])
    path = written(tmp_path, "w.csv", data)
    assert calendar_sha256([path]) == sha256(data).hexdigest()
    assert read_calendars([path], LOAD).sha256 == sha256(data).hexdigest()


def test_the_digest_of_several_is_of_their_sorted_digests(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}.csv", as_csv([row(name)])) for name in "abc"]
    digests = sorted(sha256(path.read_bytes()).hexdigest() for path in paths)
    wanted = sha256("".join(digest + "\n" for digest in digests).encode()).hexdigest()
    assert calendar_sha256(paths) == calendar_sha256(paths[::-1]) == wanted
    assert read_calendars(paths[::-1], LOAD).sha256 == wanted


READS: list[Callable[[list[str | Path]], object]] = [
    check_paths,
    calendar_sha256,
    lambda paths: read_calendars(paths, LOAD),
    lambda paths: list(read_rows(paths, LOAD)),
]


@pytest.mark.parametrize("read", READS, ids=["check", "sha256", "calendars", "rows"])
def test_a_path_that_names_no_file_is_wrong_usage(
    tmp_path: Path, read: Callable[[list[str | Path]], object]
) -> None:
    good = written(tmp_path, "w.csv", as_csv([row()]))
    (tmp_path / "loop").symlink_to("loop")
    bad: list[str | Path] = [
        tmp_path / "missing.csv",
        tmp_path,
        good / "below-a-file",
        tmp_path / ("long" * 200),
        tmp_path / "loop",
        "with\0nul",
        "",
    ]
    with pytest.raises(NotAFile) as raised:
        read([good, *bad])
    assert [problem.file for problem in raised.value.problems] == [str(path) for path in bad]
    with pytest.raises(NotAFile):
        read([])


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the powers of root, where the tests have them."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_file_that_may_not_be_read_exists(tmp_path: Path, closed: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = written(folder, "w.csv", as_csv([row()]))
    (path if closed == "file" else folder).chmod(0o000)
    for above in (tmp_path, *tmp_path.parents):
        if above.owner() == "root" and above.stat().st_mode & 0o001 == 0:
            above.chmod(above.stat().st_mode | 0o011)
    try:
        with as_nobody():
            check_paths([path])
            with pytest.raises(InputError) as raised:
                read_calendars([path], LOAD)
    finally:
        folder.chmod(0o700)
    (problem,) = raised.value.problems
    assert problem.file == str(path)
    assert problem.message == "cannot be read: Permission denied"


def test_a_file_whose_reading_fails_is_told() -> None:
    with pytest.raises(InputError, match="cannot be read: Input/output error"):
        read_calendars(["/proc/self/mem"], LOAD)


def test_files_that_cannot_be_read_are_told_beside_bad_rows(tmp_path: Path) -> None:
    paths: list[str | Path] = [
        written(tmp_path, "bad.csv", as_csv([row(days="x")])),
        written(tmp_path, "empty.json", b""),
        "/dev/null",
    ]
    with pytest.raises(InputError) as raised:
        read_calendars(paths, LOAD)
    assert {problem.file for problem in raised.value.problems} == {str(path) for path in paths}


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused_without_reading_it(path: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="neither a file nor a pipe"):
            read_calendars([path], LOAD)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_too_large_a_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.truncate(source_module.MAX_FILE_BYTES + 1)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="larger than 512 MiB"):
            read_calendars([path], LOAD)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_largest_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = as_csv([row()])
    monkeypatch.setattr(source_module, "MAX_FILE_BYTES", len(data))
    assert problems_of(tmp_path, "w.csv", data) == ()
    (problem,) = problems_of(tmp_path, "v.csv", data + b"\n")
    assert problem.message == "is larger than 512 MiB"


@contextmanager
def pipe_with(path: Path, chunks: Iterator[bytes]) -> Iterator[Path]:
    """A named pipe that somebody writes chunks to until it is closed."""
    os.mkfifo(path)

    def write() -> None:
        with suppress(BrokenPipeError), path.open("wb", buffering=0) as stream:
            for chunk in chunks:
                stream.write(chunk)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield path
    finally:
        writer.join()


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    data = as_csv([row(f"w{number}") for number in range(20_000)])
    chunks = (data[start : start + 999] for start in range(0, len(data), 999))
    with pipe_with(tmp_path / "pipe", chunks) as path:
        calendar = read_calendars([path], LOAD)
    assert calendar.calendar.weddings == 20_000
    assert calendar.sha256 == sha256(data).hexdigest()


def test_an_endless_pipe_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MAX_FILE_BYTES", 1 << 20)
    endless = iter(lambda: b"x" * 4096, b"")
    with pipe_with(tmp_path / "pipe", endless) as path, pytest.raises(InputError, match="larger"):
        read_calendars([path], LOAD)


@pytest.mark.parametrize("limit", ["PIPE_SILENCE_SECONDS", "PIPE_SECONDS"])
def test_a_pipe_that_nobody_writes_to_does_not_hold_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(source_module, limit, 0.02)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="sent nothing"):
        read_calendars([tmp_path / "pipe"], LOAD)


def test_a_socket_is_no_calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(InputError, match="cannot be read"):
            read_calendars(["socket"], LOAD)


def test_a_name_that_is_not_utf_8_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    with pytest.raises(NotAFile) as missing:
        check_paths([path])
    path.write_bytes(b"")
    with pytest.raises(InputError) as empty:
        read_calendars([path], LOAD)
    for problem in (*missing.value.problems, *empty.value.problems):
        assert str(problem).encode().startswith(bytes(tmp_path))
