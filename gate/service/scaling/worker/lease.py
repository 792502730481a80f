"""One actor at a time: the right to change floors, as a coordination Lease.

The client library's leader election decides who holds it; the lock that it works on is ours, for
the library's own waits without an end on a silent API server, dies of a broken connection, cannot
be told to stop and does not give back what it holds.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from kubernetes.client import ApiClient, ApiException, CoordinationV1Api
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.leaderelectionrecord import LeaderElectionRecord
from urllib3.exceptions import HTTPError

from gate.service.keeper.kube import refusal
from gate.service.logs import log

NAME = "saturday-gate-prescale"
SECONDS = 5
"""A holder that is silent for so long has lost the Lease; the contract's upper limit."""
_RENEW_SECONDS = 3
_RETRY_SECONDS = 1
_MARGIN_SECONDS = 1.0
"""What is begun just before the Lease runs out must have reached the API server before that."""
_TIMEOUTS_SECONDS = (1.0, 1.5)
_NOT_FOUND, _CONFLICT = 404, 409


class _Ended(Exception):  # noqa: N818
    """The election is to stop."""


class Lease:
    """Stands for one candidate. ``changed`` is called, from its thread, when it wins or loses;
    ``hear`` with the headers of each answer.

    ``held`` is by this machine's monotonic clock, counted from before the last renewal was sent: it
    turns false without anybody's help when the API server is not reached any more.
    """

    def __init__(
        self,
        client: ApiClient,
        namespace: str,
        identity: str,
        *,
        name: str = NAME,
        changed: Callable[[], None] = lambda: None,
        hear: Callable[[Mapping[str, str]], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = _Lock(CoordinationV1Api(client), namespace, name, identity, hear, monotonic)
        self._changed = changed
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this candidate may write now."""
        return self._lock.held

    @property
    def trouble(self) -> str | None:
        """Why the Lease could not be read or written last."""
        return self._lock.trouble

    def start(self) -> None:
        """Stand for election until `end`."""
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Give it back where it is held, so that the next candidate need not wait it out."""
        self._lock.end()
        if self._thread is not None:
            self._thread.join(timeout=_RETRY_SECONDS + sum(_TIMEOUTS_SECONDS))

    def _run(self) -> None:
        while not self._lock.ended:
            try:
                leaderelection.LeaderElection(self._config()).run()  # type: ignore[no-untyped-call]
            except _Ended:
                return
            # Whatever it is, without an election nobody would act.
            except Exception as error:
                log("lease-defect", error=f"{type(error).__name__}: {error}")
                self._lost()
                time.sleep(_RETRY_SECONDS)

    def _config(self) -> electionconfig.Config:
        return electionconfig.Config(  # type: ignore[no-untyped-call]
            self._lock,
            lease_duration=SECONDS,
            renew_deadline=_RENEW_SECONDS,
            retry_period=_RETRY_SECONDS,
            onstarted_leading=self._won,
            onstopped_leading=self._lost,
        )

    def _won(self) -> None:
        log("lease-won", lease=self._lock.name, identity=self._lock.identity)
        self._changed()

    def _lost(self) -> None:
        self._lock.lose()
        log("lease-lost", lease=self._lock.name, why=self._lock.trouble)
        self._changed()


class _Lock:
    """What `LeaderElection` asks of a lock: `get`, `create`, `update`; the names are the library's.

    As long as this candidate's own writes succeed, nobody else can have written: each carries the
    version of the one before. So a holder does not read, and renews with one call.
    """

    def __init__(
        self,
        api: CoordinationV1Api,
        namespace: str,
        name: str,
        identity: str,
        hear: Callable[[Mapping[str, str]], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.name, self.namespace, self.identity = name, namespace, identity
        self.trouble: str | None = None
        self.ended = False
        # Objects go in as they came, as plain documents, which the library's types do not foresee.
        self._api: Any = api
        self._hear = hear
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._lease: dict[str, Any] | None = None
        self._mine = False
        self._until = 0.0

    @property
    def held(self) -> bool:
        return not self.ended and self._mine and self._monotonic() < self._until

    def lose(self) -> None:
        self._mine, self._until = False, 0.0

    def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        if self.ended:
            raise _Ended
        if self._mine and self._lease is not None:
            return True, _record(self._lease)
        call = self._api.read_namespaced_lease
        found, error = self._called(lambda: call(name, namespace, **_raw()))
        if found is None:
            if error.status == _NOT_FOUND:
                # There is none yet.
                self.trouble = None
            return False, error
        self._lease = found
        return True, _record(found)

    def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        body = {"metadata": {"name": name}, "spec": _spec(election_record, {})}
        call = self._api.create_namespaced_lease
        return self._written(lambda: call(namespace, body, **_raw()))

    def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        lease = self._lease or {}
        body = {**lease, "spec": _spec(updated_record, lease.get("spec") or {})}
        call = self._api.replace_namespaced_lease
        return self._written(lambda: call(name, namespace, body, **_raw()))

    def end(self) -> None:
        """Nothing is written after this, but that nobody holds it where this candidate did."""
        with self._guard:
            mine, self.ended = self._mine, True
            lease = self._lease
        # Also where it may have run out: who has taken it since has changed its version.
        if mine and lease is not None:
            spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
            body = {**lease, "spec": spec}
            call = self._api.replace_namespaced_lease
            _, error = self._called(lambda: call(self.name, self.namespace, body, **_raw()))
            log("lease-released", lease=self.name, failed=None if error is None else self.trouble)

    def _written(self, call: Callable[[], Any]) -> bool:
        began = self._monotonic()
        with self._guard:
            if self.ended:
                raise _Ended
            written, error = self._called(call)
        if written is None:
            if error.status in (_NOT_FOUND, _CONFLICT):
                # Somebody else has written, or deleted it: it must be looked at anew.
                self.lose()
            if error.status == _CONFLICT:
                self.trouble = None
            return False
        self._lease = written
        self._mine, self._until = True, began + SECONDS - _MARGIN_SECONDS
        return True

    def _called(self, call: Callable[[], Any]) -> tuple[dict[str, Any] | None, Any]:
        """What the API server has answered, or its refusal as the library wants to have it."""
        try:
            answer = call()
            found: dict[str, Any] = msgspec.json.decode(answer.data)
        except ApiException as error:
            self.trouble = refusal(error)
            # A proxy may answer with something else than a Status.
            error.body = json.dumps({"code": error.status})
            return None, error
        except (HTTPError, OSError, msgspec.MsgspecError) as error:
            self.trouble = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            refused = ApiException(status=0, reason=self.trouble)
            refused.body = json.dumps({"code": 0})
            return None, refused
        self.trouble = None
        self._hear(answer.headers)
        return found, None


def _raw() -> dict[str, Any]:
    return {"_preload_content": False, "_request_timeout": _TIMEOUTS_SECONDS}


def _record(lease: dict[str, Any]) -> LeaderElectionRecord:
    """A Lease as the library's record; who holds nothing any more is nobody."""
    spec = lease.get("spec") or {}
    return LeaderElectionRecord(  # type: ignore[no-untyped-call]
        spec.get("holderIdentity") or None,
        str(spec["leaseDurationSeconds"]) if "leaseDurationSeconds" in spec else None,
        spec.get("acquireTime"),
        spec.get("renewTime"),
    )


def _spec(record: LeaderElectionRecord, before: dict[str, Any]) -> dict[str, Any]:
    """The Lease's fields; the library's times are local and naive, so ours are taken instead."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    same = before.get("holderIdentity") == record.holder_identity
    changes = int(before.get("leaseTransitions") or 0)
    return {
        "holderIdentity": record.holder_identity,
        "leaseDurationSeconds": SECONDS,
        "acquireTime": before.get("acquireTime") if same and before.get("acquireTime") else now,
        "renewTime": now,
        "leaseTransitions": changes if same else changes + 1,
    }
