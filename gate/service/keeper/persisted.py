"""The last snapshot on disk: what a keeper knows that starts while the database is away."""

from pathlib import Path

import msgspec

from gate.service.feed import Inputs
from gate.service.keeper.files import write_whole
from gate.service.keeper.slot import Slot
from gate.service.logs import log
from gate.store.connect import Target
from gate.store.origin import origin

_NAME = "snapshot.json"
_FORMAT = 1
_MAX_BYTES = 64 * 1024 * 1024


class _Persisted(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    origin: str
    inputs: Inputs


def save(folder: Path, where: Target, inputs: Inputs) -> None:
    """Keep a snapshot of this database in place of the one before. Raises OSError."""
    persisted = _Persisted(format=_FORMAT, origin=origin(where), inputs=inputs)
    write_whole(folder / _NAME, [msgspec.json.encode(persisted)])


class Persister:
    """Saves in a thread of its own: a slow disk must not hold up a lock."""

    def __init__(self, folder: Path, where: Target) -> None:
        self._folder = folder
        self._where = where
        self._slot: Slot[Inputs] = Slot()

    def keep(self, inputs: Inputs) -> None:
        """Save this, in place of what was not saved yet."""
        self._slot.put(inputs)

    def run(self) -> None:
        """Save until closed, and then what is left."""
        while (inputs := self._slot.take()) is not None:
            try:
                save(self._folder, self._where, inputs)
            except OSError as error:
                log("snapshot-not-kept", error=str(error))

    def close(self) -> None:
        """Let `run` end."""
        self._slot.close()


def load(folder: Path, where: Target) -> Inputs | None:
    """The snapshot kept of this very database, ``restored``, less the files that are gone.

    None where there is none, or none that can be used; that is logged then.
    """
    path = folder / _NAME
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        persisted = msgspec.json.decode(path.read_bytes(), type=_Persisted)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        log("snapshot-unusable", error=str(error))
        return None
    if (persisted.format, persisted.origin) != (_FORMAT, origin(where)):
        log("snapshot-unusable", error="it is of another database or release")
        return None
    inputs = persisted.inputs
    policy, calendar = (
        name if name is not None and Path(name).is_file() else None
        for name in (inputs.policy_path, inputs.calendar_path)
    )
    return msgspec.structs.replace(
        inputs,
        restored=True,
        policy_path=policy,
        calendar_path=calendar,
        calendar_sha256=inputs.calendar_sha256 if calendar else None,
    )
