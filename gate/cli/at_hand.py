"""What a command that acts on capacity works with: a database and a cluster; each optional."""

import os
from typing import TYPE_CHECKING

from gate.cli.database import where
from gate.cli.exits import Exit
from gate.cli.output import complain

if TYPE_CHECKING:
    from gate.service.scaling.by_hand.at_hand import Hands


def hands_of(dsn: str | None, kubeconfig: str | None) -> "Hands":
    """What is named by options and environment; nothing is asked of it yet.

    InputError for a DSN or a kubeconfig that is none.
    """
    store = where(dsn) if dsn or os.environ.get("GATE_DSN") else None
    from gate.service.scaling.by_hand.at_hand import Hands  # noqa: PLC0415  (loads the database driver)

    return Hands.of(store, kubeconfig, os.environ)


def undone(
    hands: "Hands", *, without_store: str, without_cluster: str, needs_store: bool = False
) -> int:
    """Say loudly what could not be done, and how the command ends because of it.

    With ``needs_store`` that no database is named is as bad as one that is away.
    """
    if hands.store_trouble is not None:
        complain(f"{hands.store_trouble}: {without_store}")
    if hands.cluster_trouble is not None:
        complain(f"{hands.cluster_trouble}: {without_cluster}")
    store_missing = hands.store_trouble is not None and (hands.where is not None or needs_store)
    missing = store_missing or hands.cluster_trouble is not None
    return Exit.UNDECIDED if missing else Exit.ALLOWED
