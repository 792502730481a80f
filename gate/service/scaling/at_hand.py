"""What is at hand when a person acts on capacity: a database, a cluster, either or both.

Each may be named and yet be away. An act is done with what there is, and says what was left undone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import msgspec
import psycopg

from gate.cluster.scaling.values import HPA, SCALED_OBJECT, Hold, Kind, Range, Target, Wish
from gate.core.problems import InputError, Problem
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.service.keeper.kube import ClusterUnavailable
from gate.service.scaling.cluster import Listing, Scalers
from gate.service.scaling.inputs import read_stored
from gate.service.scaling.judging import Judged
from gate.store import connect as store
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line

ANSWER_SECONDS = 10.0
"""For so long a database that takes what is sent may answer nothing."""
Done = TypeVar("Done")


class Hands:
    """A database and a cluster as far as they are at hand, and what went wrong with either.

    ``where`` and ``scalers`` are None where none is named. The troubles are words for people; each
    is set by the first use that fails.
    """

    def __init__(self, where: store.Target | None, scalers: "Chosen | None") -> None:
        self.where = where
        self.scalers = scalers
        self.store_trouble = None if where else "no database is named"
        self.cluster_trouble = None if scalers else "no cluster is named"

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

    @contextmanager
    def with_cluster(self) -> Iterator[None]:
        """A block of calls; where the cluster does not answer that is noted, and the block ends."""
        try:
            yield
        except ClusterUnavailable as error:
            self.cluster_trouble = str(error)

    @property
    def has_cluster(self) -> bool:
        """Whether a cluster is named, and has answered so far."""
        return self.scalers is not None and self.cluster_trouble is None

    @property
    def undone(self) -> bool:
        """Whether something could not be done that should have been: no database, or one that is
        away; a cluster that is named and away."""
        return self.store_trouble is not None or (
            self.scalers is not None and self.cluster_trouble is not None
        )

    def need_one(self) -> None:
        """Raise where nothing at all can be done: `InputError` where nothing is named."""
        if self.store_trouble is None or self.has_cluster:
            return
        if self.where is None and self.scalers is None:
            raise InputError.of(
                "neither a database nor a cluster is named",
                field="--dsn",
                mend="give --dsn or GATE_DSN, --kubeconfig or KUBECONFIG",
            )
        troubles = (self.store_trouble, self.cluster_trouble)
        raise StoreUnavailable("; ".join(each for each in troubles if each))


class Chosen(Scalers):
    """The autoscalers of a cluster, of which ``only`` one name may be the matter."""

    only: str | None = None

    def targets(self, namespace: str | None = None) -> Listing:
        """The labelled ones, or those of the one name."""
        listing = super().targets(namespace)
        if self.only is None:
            return listing
        chosen = tuple(target for target in listing.targets if target.name == self.only)
        return msgspec.structs.replace(listing, targets=chosen)


class HoldsAlone(Judged, frozen=True, kw_only=True):
    """What to go by without the plan: holds raise, and nothing is lowered."""

    def wish(self, target: Target, holds: tuple[Hold, ...] | None = None) -> Wish:
        """The largest of the holds."""
        standing = target.holds if holds is None else holds
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


def inputs_in_force(
    where: store.Target | None, policy: str | None, calendars: Sequence[str]
) -> Compiled | Unreadable | None:
    """The plan that is in force, from the files that are named, else the database; None: neither.

    Raises `InputError` where both files are named and one cannot be read.
    """
    if policy is not None and calendars:
        read = read_inputs(policy, calendars)
        if isinstance(read, Unreadable):
            raise InputError(read.problems)
        return read
    return None if where is None else read_stored(where, policy, calendars)


def missing(scalers: Scalers, namespace: str, name: str) -> Problem:
    """Why there is no such target: it is not labelled, is KEDA's, or does not exist."""
    for kind in (SCALED_OBJECT, HPA):
        found = scalers.read(_named(namespace, name, kind))
        if found is None:
            continue
        if found.owner is not None:
            return Problem(
                field="target",
                message=f"{namespace}/{name} is made by {found.owner}",
                mend=f"name {namespace}/{found.owner.name}, and label that",
            )
        return Problem(
            field="target",
            message=f"{kind} {namespace}/{name} does not carry the label of pre-scaling",
            mend=f"kubectl -n {namespace} label {kind.lower()} {name}"
            " saturday-gate.io/prescale=true",
        )
    return Problem(
        field="target",
        message=f"there is no autoscaler {namespace}/{name}",
        mend="`kubectl get hpa,scaledobject -A -l saturday-gate.io/prescale=true` shows them",
    )


def _named(namespace: str, name: str, kind: Kind) -> Target:
    """A target of which nothing but its name is known."""
    return Target(
        namespace=namespace, name=name, kind=kind, uid="", resource_version="", now=Range(0, 0)
    )
