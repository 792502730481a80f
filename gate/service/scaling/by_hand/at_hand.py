"""What is at hand when a person acts on capacity: a database, a cluster, either or both.

Each may be named and yet be away. An act is done with what there is, and says what was left undone.
The Kubernetes client is loaded where a cluster is named, and only there.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import psycopg

from gate.cluster.scaling.values import Hold, Target, Wish
from gate.cluster.scaling.wanting import in_force
from gate.core.problems import InputError, Problem
from gate.service.scaling.judging import Judged
from gate.store import connect as store
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line

if TYPE_CHECKING:
    from gate.service.scaling.by_hand.reach import Chosen
    from gate.service.scaling.run import Recorder, Run

ANSWER_SECONDS = 10.0
"""For so long a database that takes what is sent may answer nothing."""
Done = TypeVar("Done")
Clock = Callable[[], datetime]
HoldsOf = Callable[[Target], tuple[Hold, ...]]
"""Which holds should stand on a target."""


class Hands:
    """A database and a cluster as far as they are at hand, and what went wrong with either.

    The troubles are words for people; each is set by the first use that fails, and then that side
    is not asked again.
    """

    def __init__(
        self,
        where: store.Target | None,
        cluster: "Chosen | None",
        *,
        cluster_trouble: str | None = None,
    ) -> None:
        """None: not named. ``cluster_trouble``: one is named and cannot be used, and why."""
        self.where = where
        self._cluster = cluster
        self.store_trouble = None if where else "no database is named"
        self.cluster_trouble = cluster_trouble

    @classmethod
    def of(
        cls, where: store.Target | None, kubeconfig: str | None, environ: Mapping[str, str]
    ) -> "Hands":
        """With the cluster that is named by a file, KUBECONFIG, or by running inside of it.

        Raises `InputError` for a file that is no kubeconfig.
        """
        named = kubeconfig or environ.get("KUBECONFIG")
        if not named and not environ.get("KUBERNETES_SERVICE_HOST"):
            return cls(where, None)
        if importlib.util.find_spec("kubernetes") is None:
            trouble = "talking to a cluster needs: pip install 'saturday-gate[cluster]'"
            return cls(where, None, cluster_trouble=trouble)
        from gate.service.scaling.by_hand.reach import Chosen  # noqa: PLC0415  (loads the client)

        try:
            return cls(where, Chosen.named(kubeconfig, environ))
        except InputError:
            if named:
                raise
            # A pod without an account: it runs inside of a cluster, and has none to speak to.
            return cls(where, None)

    def with_store(self, use: Callable[[psycopg.Connection], Done]) -> Done | None:
        """What `use` answers; None where the database is not at hand, which is then said."""
        if self.where is None or self.store_trouble is not None:
            return None
        try:
            with (
                store.store_errors(),
                line(self.where, ANSWER_SECONDS) as connection,
                answered_within(connection, ANSWER_SECONDS),
            ):
                return use(connection)
        except StoreUnavailable as error:
            self.store_trouble = str(error)
            return None

    def ask_store(self) -> store.Target | None:
        """The database, where one is named and answers."""
        self.with_store(lambda connection: connection.execute("SELECT 1"))
        return None if self.store_trouble is not None else self.where

    @property
    def has_cluster(self) -> bool:
        """Whether a cluster is named, and has answered so far."""
        return self._cluster is not None and self.cluster_trouble is None

    def need_one(self) -> None:
        """Raise where nothing at all can be done: `InputError` where nothing is named."""
        if self.store_trouble is None or self.has_cluster:
            return
        if self.where is None and self._cluster is None and self.cluster_trouble is None:
            raise InputError.of(
                "neither a database nor a cluster is named",
                field="--dsn",
                mend="give --dsn or GATE_DSN, --kubeconfig or KUBECONFIG",
            )
        troubles = (self.store_trouble, self.cluster_trouble)
        raise StoreUnavailable("; ".join(each for each in troubles if each))

    def targets(
        self, namespace: str | None = None, name: str | None = None
    ) -> tuple[Target, ...] | None:
        """The labelled targets, or those of one name; None where no cluster tells."""
        with self._with_cluster(name) as cluster:
            return None if cluster is None else cluster.targets(namespace).targets
        return None

    def missing(self, namespace: str, name: str) -> Problem | None:
        """Why there is no such target; None where no cluster tells."""
        with self._with_cluster(name) as cluster:
            return None if cluster is None else cluster.missing(namespace, name)
        return None

    def run(
        self,
        judged: Judged,
        holds_of: HoldsOf,
        clock: Clock,
        place: tuple[str, str] | tuple[None, None] = (None, None),
    ) -> "Run | None":
        """Bring every target, or the one named, to what was judged; None where no cluster is."""
        namespace, name = place
        with self._with_cluster(name) as cluster:
            if cluster is None:
                return None
            from gate.service.scaling.run import run_once  # noqa: PLC0415  (loads the client)

            with self._recorder() as recorder:
                return run_once(
                    cluster,
                    judged,
                    namespace=namespace,
                    recorder=recorder,
                    holds_of=holds_of,
                    now=clock,
                )
        return None

    @contextmanager
    def _recorder(self) -> "Iterator[Recorder]":
        from gate.service.scaling.recording import recording_at  # noqa: PLC0415
        from gate.service.scaling.run import Unrecorded  # noqa: PLC0415

        if self.where is None or self.store_trouble is not None:
            yield Unrecorded()
            return
        with recording_at(self.where) as recorder:
            yield recorder

    @contextmanager
    def _with_cluster(self, only: str | None) -> "Iterator[Chosen | None]":
        """A block of calls; where the cluster does not answer that is noted, and the block ends."""
        if self._cluster is None or self.cluster_trouble is not None:
            yield None
            return
        from gate.service.keeper.kube import ClusterUnavailable  # noqa: PLC0415

        self._cluster.only = only
        try:
            yield self._cluster
        except ClusterUnavailable as error:
            self.cluster_trouble = str(error)


class HoldsAlone(Judged, frozen=True, kw_only=True):
    """What to go by without the plan: holds raise, and nothing is lowered."""

    def wish(self, target: Target, holds: tuple[Hold, ...] | None = None) -> Wish:
        """The largest of the holds."""
        standing = in_force(target.holds if holds is None else holds, self.at)
        most = max(standing, key=lambda hold: hold.min, default=None)
        ceilings = [hold.max for hold in standing if hold.max is not None]
        return Wish(
            cause="plan" if most is None else most.cause,
            level=None,
            min=0 if most is None else most.min,
            max=max(ceilings, default=None),
            reason=self.reason if most is None else most.reason,
            never_lower=True,
            holds=holds,
        )


def without_the_plan(at: datetime) -> HoldsAlone:
    """To go by holds alone, at an instant."""
    return HoldsAlone(at=at, level=None, capacity=None, reason="the plan was not asked")
