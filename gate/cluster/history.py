"""The pod templates that workloads have had, by which a rollback is recognised.

ReplicaSets hold them for Deployments, ControllerRevisions for StatefulSets and DaemonSets. The
objects stay in the cluster; of each only a few bytes are kept, under the object's own uid.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from gate.cluster.raw_json import canonical, value_of
from gate.cluster.templates import digest_of

Entry = tuple[str, str, str]
"""A template of the past: key of the object that holds it, uid of its owner, its digest."""

# With so many bits, of 100 000 templates two are alike by chance once in 10^19 times.
_MARK_BYTES = 12


def replica_set_entry(replica_set: Any) -> Entry | None:
    """The entry of a ReplicaSet (as decoded JSON); None where it has no owner or no template."""
    return _entry(replica_set, _member(replica_set, "spec", "template"))


def controller_revision_entry(revision: Any) -> Entry | None:
    """The entry of a ControllerRevision (as decoded JSON); None where it has no pod template."""
    return _entry(revision, _member(revision, "data", "spec", "template"))


def key_of(holder: Any) -> str | None:
    """The key under which a ReplicaSet or ControllerRevision is known: its uid."""
    uid = _member(holder, "metadata", "uid")
    return uid if isinstance(uid, str) and uid else None


def template_digest(template: dict[str, Any]) -> str:
    """The digest of a pod template (decoded JSON), without the labels that tell its pods apart.

    Raises ValueError for a template that no JSON can say.
    """
    return digest_of(value_of(canonical(template)))


class History:
    """Which templates the owners have had. Entries come and go as the objects that hold them do."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._marks: dict[bytes, bytes] = {}
        self._known: dict[bytes, int] = {}
        self.add(entries)

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, entries: Iterable[Entry]) -> None:
        """Learn these; one of a known key takes the place of what was known of it."""
        for key, owner_uid, digest in entries:
            short = _mark(key, "")
            self._forget(short)
            mark = _mark(owner_uid, digest)
            self._marks[short] = mark
            self._known[mark] = self._known.get(mark, 0) + 1

    def remove(self, keys: Iterable[str]) -> None:
        """Forget these; unknown ones are no matter."""
        for key in keys:
            self._forget(_mark(key, ""))

    def reset(self, entries: Iterable[Entry] = ()) -> None:
        """Forget everything but these."""
        self._marks.clear()
        self._known.clear()
        self.add(entries)

    def knows(self, owner_uid: str, digest: str) -> bool:
        """Whether the owner has had a template of this digest."""
        return _mark(owner_uid, digest) in self._known

    def _forget(self, short: bytes) -> None:
        mark = self._marks.pop(short, None)
        if mark is None:
            return
        left = self._known[mark] - 1
        if left:
            self._known[mark] = left
        else:
            del self._known[mark]


def _mark(first: str, second: str) -> bytes:
    text = f"{len(first)}:{first}{second}".encode(errors="replace")
    return hashlib.blake2b(text, digest_size=_MARK_BYTES).digest()


def _entry(holder: Any, template: Any) -> Entry | None:
    key, owner_uid = key_of(holder), _owner_uid(holder)
    if key is None or owner_uid is None or not isinstance(template, dict):
        return None
    try:
        return key, owner_uid, template_digest(template)
    except (ValueError, RecursionError):
        return None


def _owner_uid(holder: Any) -> str | None:
    """The uid of the controlling owner, else of the first one."""
    references = _member(holder, "metadata", "ownerReferences")
    owners = references if isinstance(references, list) else []
    owners = [each for each in owners if isinstance(each, dict)]
    owners.sort(key=lambda reference: reference.get("controller") is not True)
    uid = owners[0].get("uid") if owners else None
    return uid if isinstance(uid, str) and uid else None


def _member(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
