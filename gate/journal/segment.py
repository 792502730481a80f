"""A segment while it is written: made, grown, ended; and the calls to the system that it needs.

The writer holds ``flock(LOCK_EX)`` on the file for as long as it may write. A segment is made under
another name and renamed when it is locked and complete, so that nobody ever sees one that seems to
be abandoned but is only young.
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from gate.core.problems import InputError
from gate.journal.errors import JournalUnavailable, What
from gate.journal.layout import SUFFIX, Header, encode_batch, encode_header

GROW_BYTES = 256 << 10
"""Zeros that are written ahead at a time: one batch in some fourteen pays for them."""
NEW_SUFFIX = ".new"
_COPY_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


class Disk:
    """The calls that make bytes durable; tests put failing and slow ones in their place."""

    def __init__(self) -> None:
        self._in_one = hasattr(os, "RWF_DSYNC")

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> int:
        """Write and wait until what was written is durable; how many bytes that were.

        One call where the system has one: each call gives up the interpreter lock, and may wait
        for it afterwards.
        """
        if self._in_one:
            try:
                return os.pwritev(descriptor, buffers, offset, os.RWF_DSYNC)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
                    raise
                self._in_one = False
        written = os.pwritev(descriptor, buffers, offset)
        os.fdatasync(descriptor)
        return written

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def unavailable(error: OSError, folder: Path) -> JournalUnavailable:
    """What an error of the disk means for whoever wants to record."""
    what: What = "io"
    if error.errno in _FULL:
        what = "full"
    elif error.errno in _GONE:
        what = "gone"
    return JournalUnavailable(what, f"the journal in {folder}: {error.strerror or error}")


def folder_bytes(folder: Path) -> int:
    """What all segments of all processes take, in bytes of file length."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:
                    continue
    return total


def make_folder(folder: Path) -> None:
    """Make the journal's folder, of which the one above must exist. Raises `OSError`."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise


def check_folder(folder: Path) -> None:
    """Make the folder and see that a file can be made and locked there.

    Raises `InputError` where the folder cannot be a journal's.
    """
    probe = folder / f"probe-{os.getpid()}{NEW_SUFFIX}"
    try:
        make_folder(folder)
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        raise InputError.of(
            f"{folder} cannot hold a journal: {error.strerror}",
            field="--journal",
            mend="name a folder on a local disk that the gate may write to",
        ) from error


class Segment:
    """A segment that this process writes; for one thread."""

    def __init__(
        self, folder: Path, header: Header, *, disk: Disk, cap_bytes: int, grow_bytes: int
    ) -> None:
        """Make it, locked, with room ahead and durable under its name.

        Raises `OSError`, or `JournalUnavailable` where the cap is reached.
        """
        self.header = header
        self.path = folder / (header.writer + SUFFIX)
        self.durable_bytes = 0
        self.folder_bytes = 0
        self._disk = disk
        self._cap_bytes = cap_bytes
        self._grow_bytes = grow_bytes
        self._length = 0
        self._salt = header.salt
        self._descriptor = -1
        young = self.path.with_suffix(NEW_SUFFIX)
        try:
            self._descriptor = os.open(young, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write(encode_header(header))
            young.rename(self.path)
            disk.sync_folder(folder)
        except BaseException:
            self._discard(young)
            raise

    def commit(self, numbers: Sequence[int], payloads: Sequence[bytes]) -> None:
        """Write a batch; it is durable on return, and under the segment's name.

        Raises `OSError` or `JournalUnavailable`, after which nothing but `end` may be called.
        """
        self._write(encode_batch(self._salt, numbers, payloads))

    def removed(self) -> bool:
        """Whether somebody has deleted the file: then what was written has no name any more."""
        return os.fstat(self._descriptor).st_nlink == 0

    def end(self) -> None:
        """Cut off what is not durable, mark the segment as complete, and give it up.

        What cannot be done is left: a reader copes with zeros and torn batches.
        """
        try:
            os.ftruncate(self._descriptor, self.durable_bytes)
            os.pwrite(self._descriptor, encode_batch(self._salt, [], []), self.durable_bytes)
        except OSError:
            pass
        finally:
            os.close(self._descriptor)

    def save_copy(self, folder: Path) -> None:
        """Write what is durable of a removed segment under its name again. Raises `OSError`.

        The deleted file lives as long as it is open; what was answered from it is not lost yet.
        """
        young = self.path.with_suffix(NEW_SUFFIX)
        copy = os.open(young, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            for offset in range(0, self.durable_bytes, _COPY_BYTES):
                wanted = min(_COPY_BYTES, self.durable_bytes - offset)
                os.pwrite(copy, os.pread(self._descriptor, wanted, offset), offset)
            os.fsync(copy)
            young.rename(self.path)
            self._disk.sync_folder(folder)
        finally:
            os.close(copy)

    def _write(self, data: bytes) -> None:
        buffers = [data]
        end = self.durable_bytes + len(data)
        if end > self._length:
            self._check_cap(end + self._grow_bytes - self._length)
            self._length = end + self._grow_bytes
            if self._grow_bytes:
                buffers.append(bytes(self._grow_bytes))
        wanted = sum(map(len, buffers))
        written = self._disk.write(self._descriptor, buffers, self.durable_bytes)
        while written < wanted:
            # Cut short, as by a disk that is about to be full: the rest says what is wrong.
            rest = b"".join(buffers)[written:]
            more = self._disk.write(self._descriptor, [rest], self.durable_bytes + written)
            if more == 0:
                raise OSError(errno.EIO, "the disk takes no more bytes and does not say why")
            written += more
        if self.durable_bytes and self.removed():
            raise JournalUnavailable("gone", f"somebody removed {self.path}")
        self.durable_bytes = end

    def _check_cap(self, more: int) -> None:
        self.folder_bytes = folder_bytes(self.path.parent)
        if self.folder_bytes + more > self._cap_bytes:
            raise JournalUnavailable(
                "cap",
                f"the journal in {self.path.parent} is full: {self.folder_bytes} bytes wait to be"
                f" shipped, its cap is {self._cap_bytes}",
            )

    def _discard(self, young: Path) -> None:
        for path in (young, self.path):
            try:
                path.unlink()
            except OSError:
                continue
        if self._descriptor >= 0:
            os.close(self._descriptor)
