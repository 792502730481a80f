"""One kind of object of the cluster, listed and watched."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from kubernetes.client import ApiClient, ApiException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from gate.cluster.history import key_of
from gate.core.backoff import Backoff
from gate.service.keeper.kube import refusal, retry_after_seconds
from gate.service.logs import log

Entry = TypeVar("Entry")
Told_contra = TypeVar("Told_contra", contravariant=True)
_GONE = 410
_NOT_FOUND = 404
_TOO_MANY = 429
_REFUSALS = frozenset({401, 403})
_SHORT_SECONDS = 1.0


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """How the cluster is asked; times in seconds.

    ``silence``: a watch on which not even a bookmark comes (the server sends one a minute) is begun
    anew. ``refused_retry``: the pause after a refusal that only a person can end, ``absent_retry``:
    before a kind that the cluster does not know is asked for again.
    """

    page: int = 500
    connect: float = 5.0
    answer: float = 30.0
    silence: float = 90.0
    shortest_watch: int = 240
    longest_watch: int = 300
    first_retry: float = 0.5
    longest_retry: float = 30.0
    refused_retry: float = 30.0
    absent_retry: float = 300.0


class Kind(msgspec.Struct, Generic[Entry], frozen=True, kw_only=True):
    """One kind of object, and what is kept of each; an object without an entry is passed over.

    ``lister`` makes, of a client, the call that lists and watches it. ``optional``: a cluster that
    does not know the kind simply has none of it.
    """

    plural: str
    lister: Callable[[ApiClient], Callable[..., Any]]
    entry: Callable[[Any], Entry | None]
    optional: bool = False


class Board(Protocol[Told_contra]):
    """Who is told; ``removed`` are uids."""

    def listed(self, kind: str, added: Iterable[Told_contra], removed: Iterable[str]) -> None:
        """The kind was listed whole; what is other than before."""

    def changed(self, added: Iterable[Told_contra], removed: Iterable[str]) -> None:
        """Some objects have come, changed or gone."""

    def well(self, kind: str) -> None:
        """The kind is followed again."""

    def trouble(self, kind: str, text: str) -> None:
        """The kind cannot be followed."""


class _Begin(Exception):  # noqa: N818
    """The watch cannot be continued: list again."""


class _Meta(msgspec.Struct, frozen=True, rename={"continue_": "continue"}):
    resourceVersion: str = ""  # noqa: N815 - as Kubernetes names it
    continue_: str = ""


class _Page(msgspec.Struct, frozen=True):
    metadata: _Meta
    items: list[msgspec.Raw] | None = None


class _Versioned(msgspec.Struct, frozen=True):
    metadata: _Meta = _Meta()
    code: int = 0
    message: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class Reflector(Generic[Entry]):
    """Follows one kind in a thread of its own."""

    def __init__(
        self,
        kind: Kind[Entry],
        connect: Callable[[], ApiClient | None],
        board: Board[Entry],
        watching: Watching,
    ) -> None:
        self.kind = kind
        self._connect = connect
        self._board = board
        self._watching = watching
        self._known: dict[str, Entry] = {}
        self._api: ApiClient | None = None
        self._version = ""
        self._said: str | None = None
        self._response: Any = None
        self._backoff = Backoff(watching.first_retry, watching.longest_retry, random.random)

    def run(self, stop: threading.Event) -> None:
        """List and watch until told to stop."""
        while not stop.is_set():
            pause = 0.0
            try:
                self._follow(stop)
            except _Begin as error:
                self._version = ""
                log("watch-begins-anew", kind=self.kind.plural, why=str(error))
                pause = self._backoff.next_seconds()
            except ApiException as error:
                pause = self._refused(error)
            except Exception as error:
                if not isinstance(error, OSError | HTTPError):
                    # What cannot be read would come again: a list is not made of events.
                    self._version = ""
                if not stop.is_set():
                    self._trouble(f"{type(error).__name__}: {error}"[:300])
                pause = self._backoff.next_seconds()
            stop.wait(pause)

    def break_off(self) -> None:
        """End a read that waits; for after the stop."""
        response = self._response
        if response is not None:
            # It may be over already, and an older library cannot: the thread ends with its process.
            with suppress(Exception):
                response.shutdown()

    def _follow(self, stop: threading.Event) -> None:
        """One watch to its end, after a list where there is nothing to continue from."""
        if self._api is None:
            self._api = self._connect()
        if not self._version:
            self._list()
            self._well()
        began = time.monotonic()
        try:
            self._watch(stop)
        finally:
            short = time.monotonic() - began < _SHORT_SECONDS
            if not short:
                self._backoff.reset()
        if short:
            # A server that ends each watch at once must not be asked without a pause.
            stop.wait(self._backoff.next_seconds())

    def _list(self) -> None:
        found: dict[str, Entry] = {}
        more = ""
        while True:
            page = msgspec.json.decode(self._page(more), type=_Page)
            for raw in page.items or ():
                holder = msgspec.json.decode(raw)
                key, entry = key_of(holder), self.kind.entry(holder)
                if key is not None and entry is not None:
                    found[key] = entry
            more = page.metadata.continue_
            if not more:
                break
        added, removed = difference(self._known, found)
        self._known = found
        self._board.listed(self.kind.plural, added, removed)
        self._version = page.metadata.resourceVersion
        log("listed", kind=self.kind.plural, objects=len(found))

    def _page(self, more: str) -> bytes:
        response = self._ask(
            limit=self._watching.page,
            _request_timeout=(self._watching.connect, self._watching.answer),
            **({"_continue": more} if more else {}),
        )
        data: bytes = response.data
        return data

    def _ask(self, **options: Any) -> Any:
        if self._api is None:
            raise OSError("no cluster is named")
        return self.kind.lister(self._api)(_preload_content=False, **options)

    def _watch(self, stop: threading.Event) -> None:
        watching = self._watching
        self._response = self._ask(
            watch=True,
            resource_version=self._version,
            allow_watch_bookmarks=True,
            timeout_seconds=random.randint(watching.shortest_watch, watching.longest_watch),  # noqa: S311
            _request_timeout=(watching.connect, watching.silence),
        )
        self._well()
        try:
            for lines in _lines(self._response.stream(amt=None, decode_content=False)):
                self._take(lines)
                if stop.is_set():
                    return
        except ReadTimeoutError:
            log("watch-silent", kind=self.kind.plural, seconds=watching.silence)
        finally:
            self._response.close()

    def _take(self, lines: list[bytes]) -> None:
        """The events that came together, told together."""
        added: dict[str, Entry] = {}
        removed: dict[str, None] = {}
        try:
            for line in lines:
                event = msgspec.json.decode(line, type=_Event)
                about = msgspec.json.decode(event.object, type=_Versioned)
                if event.type == "ERROR":
                    raise _Begin(f"{about.code} {about.message}")
                if event.type != "BOOKMARK":
                    self._note(event, added, removed)
                self._version = about.metadata.resourceVersion or self._version
        finally:
            # What is known here must be known there: a list tells differences only.
            self._board.changed(added.values(), removed)

    def _note(self, event: _Event, added: dict[str, Entry], removed: dict[str, None]) -> None:
        holder = msgspec.json.decode(event.object)
        key = key_of(holder)
        if key is None:
            return
        entry = None if event.type == "DELETED" else self.kind.entry(holder)
        before = self._known.get(key)
        if entry == before:
            return
        if entry is None:
            del self._known[key]
            added.pop(key, None)
            removed[key] = None
        else:
            self._known[key] = added[key] = entry
            removed.pop(key, None)

    def _well(self) -> None:
        if self._said is not None:
            log("cluster-followed-again", kind=self.kind.plural)
            self._said = None
        self._board.well(self.kind.plural)

    def _trouble(self, said: str) -> None:
        text = f"{self.kind.plural} cannot be followed: {said}"
        if text != self._said:
            log("cluster-not-followed", kind=self.kind.plural, said=said)
            self._said = text
        self._board.trouble(self.kind.plural, text)

    def _refused(self, error: ApiException) -> float:
        """Say it; how long to wait."""
        pause = max(self._backoff.next_seconds(), retry_after_seconds(error))
        if error.status == _GONE:
            self._version = ""
            return pause
        if error.status == _NOT_FOUND and self.kind.optional:
            self._version = ""
            gone, self._known = list(self._known), {}
            self._board.listed(self.kind.plural, (), gone)
            self._well()
            return self._watching.absent_retry
        said = refusal(error)
        if error.status in _REFUSALS:
            # Credentials may have been renewed in their file; rights come from a person.
            self._api = None
            pause = max(pause, self._watching.refused_retry)
            said += " (it must be listed and watched in all namespaces)"
        elif error.status != _TOO_MANY:
            self._version = ""
        self._trouble(said)
        return pause


def _lines(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """The whole lines of each piece of a stream; what is cut at its end is dropped."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        whole = [line for line in lines if line.strip()]
        if whole:
            yield whole


def difference(
    before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> tuple[list[Entry], list[str]]:
    """What is added or other, and the keys that are gone."""
    added = [entry for key, entry in after.items() if before.get(key) != entry]
    return added, [key for key in before if key not in after]
