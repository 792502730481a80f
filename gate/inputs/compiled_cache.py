"""Compiled policies and calendars, kept by the content that they were compiled from.

`gate check` on the same files then reads neither YAML nor CSV. An entry can only be trusted where
nobody else can write it: the folder and the file must belong to this user and be writable by no one
else, the content is plain msgpack (never code), and a digest guards against torn writes. Any doubt
means a miss.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

import gate
from gate.core.demand import Calendar
from gate.core.policy import Policy
from gate.core.zones import TZDATA_VERSION

_MAGIC = b"saturday-gate compiled 1\n"
_DIGEST_BYTES = 32
_KEPT_ENTRIES = 24
_MAX_BYTES = 256 * 1024 * 1024


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy and its calendars compile to."""

    policy: Policy
    calendar: Calendar
    calendar_sha256: str


def folder() -> Path | None:
    """Where entries live: ``GATE_CACHE_DIR`` (empty: nowhere), else the user's cache folder."""
    named = os.environ.get("GATE_CACHE_DIR")
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "saturday-gate" / "compiled"


def key(policy_sha256: str, calendars: Iterable[tuple[str, str]]) -> str:
    """The name of the entry for a policy and its calendars, as (kind, sha256) in any order."""
    parts = [_code_version(), TZDATA_VERSION, policy_sha256]
    parts += [f"{kind} {digest}" for kind, digest in sorted(calendars)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load(name: str) -> Entry | None:
    """The entry of this name; None where there is none that can be trusted."""
    path = _path(name)
    if path is None:
        return None
    try:
        data = _read_own(path)
        payload = data[len(_MAGIC) + _DIGEST_BYTES :]
        if data[: -len(payload) or None] != _MAGIC + hashlib.sha256(payload).digest():
            return None
        return msgspec.msgpack.decode(payload, type=Entry, dec_hook=_decode)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def save(name: str, entry: Entry) -> None:
    """Keep an entry; quietly nothing where the folder cannot be written or trusted."""
    path = _path(name)
    if path is None:
        return
    try:
        payload = msgspec.msgpack.encode(entry, enc_hook=_encode)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_own(path.parent.lstat())
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _forget_oldest(path.parent)
    except (OSError, OverflowError, ValueError):
        # A demand beyond 64 bits does not fit the format; a full disk is no reason to fail either.
        return


def _path(name: str) -> Path | None:
    base = folder()
    return None if base is None else base / f"{name}.msgpack"


def _read_own(path: Path) -> bytes:
    _check_own(path.parent.lstat())
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        _check_own(status)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise OSError("not an entry")
        return stream.read()


def _check_own(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError("others could have written this")


def _forget_oldest(base: Path) -> None:
    entries = sorted(base.glob("*.msgpack"), key=lambda path: path.stat().st_mtime_ns)
    for path in entries[:-_KEPT_ENTRIES]:
        path.unlink(missing_ok=True)


def _code_version() -> str:
    """The version, and the newest of the files that matter, as a checkout changes under it."""
    package = Path(gate.__file__).parent
    newest = max(
        entry.stat().st_mtime_ns
        for part in ("core", "core/document", "core/rrule", "calendars")
        for entry in os.scandir(package / part)
        if entry.name.endswith(".py")
    )
    return f"{gate.__version__} {newest}"


def _encode(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(type(value))


def _decode(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise NotImplementedError(kind)
