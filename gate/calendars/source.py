"""Calendar files as bytes: that they are there, what they weigh, their digest and their kind."""

import errno
import os
import select
import stat
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from gate.core.problems import InputError, Problem

Kind = Literal["csv", "json", "jsonl", "ics"]

MAX_FILE_BYTES = 512 * 1024 * 1024
PIPE_SILENCE_SECONDS = 10.0
"""How long a named pipe may send nothing."""
PIPE_SECONDS = 60.0
"""How long a named pipe may take altogether."""

_CHUNK_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".ics": "ics",
}
_NAMES_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class NotAFile(ValueError):  # noqa: N818  (it names what the path is)
    """Wrong usage: a path that names no file, or a directory. ``problems`` is never empty."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One calendar file as it was read; ``start`` is the first byte after a byte order mark."""

    name: str
    data: bytes
    start: int
    kind: Kind
    sha256: str


def check_paths(paths: Sequence[str | Path]) -> None:
    """Raise `NotAFile` where a path names no file or a directory, or where there is no path.

    A file that exists but may not be read passes: it is an input that cannot be read.
    """
    problems = [problem for path in paths if (problem := _usage_problem(path)) is not None]
    if not paths:
        problems.append(
            Problem(message="no calendar file is named", mend="name one or more calendar files")
        )
    if problems:
        raise NotAFile(problems)


def _usage_problem(path: str | Path) -> Problem | None:
    try:
        mode = os.stat(path).st_mode
    except ValueError:
        message = "is no path: it holds a NUL character"
    except OSError as error:
        if error.errno not in _NAMES_NOTHING:
            return None
        message = f"no such file ({os.strerror(error.errno)})"
    else:
        if not stat.S_ISDIR(mode):
            return None
        message = "is a directory, not a file"
    return Problem(file=name_of(path), message=message, mend="name a calendar file")


def name_of(path: str | Path) -> str:
    """A path as it was named; bytes that are not UTF-8 are escaped, so that it can be printed."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def calendar_sha256(paths: Sequence[str | Path]) -> str:
    """The digest that stands in decisions, without reading the weddings.

    Of one file: SHA-256 of its bytes. Of several: of their sorted hex digests, a newline after
    each. Raises `NotAFile` and `InputError` as `read_calendars` does.
    """
    check_paths(paths)
    return joined_sha256([sha256(read_bytes(path)).hexdigest() for path in paths])


def joined_sha256(digests: Sequence[str]) -> str:
    """The digest of a calendar from the hex digests of its files."""
    if len(digests) == 1:
        return digests[0]
    return sha256("".join(f"{digest}\n" for digest in sorted(digests)).encode()).hexdigest()


def read_source(path: str | Path) -> Source:
    """Read one file whole. `InputError` where it cannot be read, is empty or too large."""
    data = read_bytes(path)
    if not data:
        raise _error(path, "is empty: 0 bytes", "a calendar has at least a header, or is []")
    return Source(
        name=name_of(path),
        data=data,
        start=len(_BOM) if data.startswith(_BOM) else 0,
        kind=kind_of(path, data),
        sha256=sha256(data).hexdigest(),
    )


def kind_of(path: str | Path, data: bytes) -> Kind:
    """The kind of a file: by its extension, else by its first character.

    ``data`` is the whole file: ``{`` is JSON where all of it is one object, else JSON Lines.
    """
    known = _KINDS.get(Path(path).suffix.lower())
    if known is not None:
        return known
    start = len(_BOM) if data.startswith(_BOM) else 0
    first = data[start : start + 1]
    if first == b"[":
        return "json"
    if first != b"{":
        return "csv"
    try:
        msgspec.json.decode(memoryview(data)[start:], type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "jsonl"
    return "json"


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file or of a pipe, within `MAX_FILE_BYTES`; `InputError` otherwise.

    It is opened without blocking, so that a pipe that nobody writes to cannot hold the gate.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        about = os.fstat(descriptor)
        if about.st_size > MAX_FILE_BYTES:
            raise _too_large(path)
        if stat.S_ISREG(about.st_mode) or stat.S_ISFIFO(about.st_mode):
            return _read(path, descriptor, about)
        raise _error(path, "is neither a file nor a pipe", "name a calendar file")
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(descriptor)


def _read(path: str | Path, descriptor: int, about: os.stat_result) -> bytes:
    pipe = stat.S_ISFIFO(about.st_mode)
    deadline = time.monotonic() + PIPE_SECONDS
    chunks: list[bytes] = []
    size = 0
    while True:
        if pipe:
            _await(path, descriptor, deadline)
        # One read takes in a plain file; a second one finds its end.
        chunk = os.read(descriptor, max(about.st_size - size, _CHUNK_BYTES))
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise _too_large(path)


def _await(path: str | Path, descriptor: int, deadline: float) -> None:
    left = min(PIPE_SILENCE_SECONDS, deadline - time.monotonic())
    poller = select.poll()
    poller.register(descriptor, select.POLLIN | select.POLLHUP)
    if left <= 0 or not poller.poll(left * 1000):
        raise _error(
            path,
            f"is a pipe that sent nothing for {PIPE_SILENCE_SECONDS:g} s"
            f" or was not done within {PIPE_SECONDS:g} s",
            "write the calendar to a file first",
        )


def _too_large(path: str | Path) -> InputError:
    return _error(path, "is larger than 512 MiB", "split the calendar into several files")


def _unreadable(path: str | Path, error: OSError) -> InputError:
    return _error(path, f"cannot be read: {error.strerror}", "make the file readable for the gate")


def _error(path: str | Path, message: str, mend: str) -> InputError:
    return InputError.of(message, file=name_of(path), mend=mend)
