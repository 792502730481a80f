"""Custom resource definitions: applied, and waited for until the API server serves their kinds."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import wait_for

APPLY = ("apply", "--server-side", "--force-conflicts", "--filename")
"""Of kubectl: some definitions are too long for what a plain ``apply`` writes down."""
_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def define(plane: ControlPlane, files: Iterable[Path]) -> None:
    """Apply definitions and wait until all that the cluster has are served.

    Raises `AssertionError` where one is refused, `TimeoutError` where one is not served.
    """
    plane.kubectl(*APPLY, ",".join(map(str, files)), check=True, seconds=180.0)
    wait_for("the kinds are served", lambda: all(map(_established, plane.get(_PATH)["items"])))


def wait_served(plane: ControlPlane, name: str) -> None:
    """Wait until there is a definition of that name. Raises `TimeoutError`."""

    def served() -> bool:
        answer = plane.request("GET", f"{_PATH}/{name}")
        return answer.status == 200 and _established(answer.body)

    wait_for(f"{name} is served", served)


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
