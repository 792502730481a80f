"""The second half: what a webhook adds to a PATCH of a Deployment through a real API server."""

import contextlib
import http.client
import json
import os
import random
import ssl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from benchmarks.report import median, percentile, publish
from benchmarks.webhook.disk import file_system, sync_ms
from benchmarks.webhook.fallback import Fallback
from benchmarks.webhook.figures import ADDED_AT_MOST
from benchmarks.webhook.freeze import FROZEN, OPEN
from benchmarks.webhook.review import IMAGES, NAME, deployment
from benchmarks.webhook.simple import Opa
from benchmarks.webhook.site import LABEL, MissingTargetError, Site, add_namespace
from benchmarks.webhook.target import Target
from tests.controlplane.plane import DEPLOYER, Answer, ControlPlane
from tests.controlplane.webhooks import webhook

BASELINE = "no webhook"
FALLBACK = "fallback lock"
_WARM_CYCLES = 20
_RULES = (
    {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["deployments", "statefulsets", "daemonsets"],
    },
)
# Every PATCH has to change something: what changes nothing is not written.
_IMAGE = IMAGES[0].rpartition(".")[0]


class Patcher:
    """One keep-alive connection of a pipeline's account to the API server."""

    def __init__(self, plane: ControlPlane) -> None:
        target = urlsplit(plane.urls[0])
        assert target.hostname is not None
        self._token = plane.tokens[DEPLOYER]
        self._number = 0
        self._connection = http.client.HTTPSConnection(
            target.hostname,
            target.port,
            context=ssl.create_default_context(cafile=str(plane.ca)),
            timeout=30.0,
        )

    def patch(self, namespace: str, query: str = "") -> Answer:
        """Give the Deployment of a namespace an image that it never had."""
        self._number += 1
        container = {"name": "web", "image": f"{_IMAGE}.{self._number}"}
        body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self._connection.request(
            "PATCH",
            f"/apis/apps/v1/namespaces/{namespace}/deployments/{NAME}{query}",
            json.dumps(body),
            {
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/strategic-merge-patch+json",
                "Accept": "application/json",
            },
        )
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.read().decode())

    def milliseconds(self, namespace: str) -> float:
        """How long a PATCH takes. Raises `RuntimeError` where it is not accepted."""
        started = time.perf_counter()
        answer = self.patch(namespace)
        taken = (time.perf_counter() - started) * 1000
        if answer.status != 200:
            raise RuntimeError(f"PATCH in {namespace}: {answer.status} {answer.body[:300]}")
        return taken

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def measure(
    site: Site, targets: Sequence[Target], missing: Mapping[str, str], *, cycles: int
) -> None:
    """PATCH under no webhook, under each target's and under the fallback lock, in turn."""
    try:
        plane = site.api_server()
    except MissingTargetError as error:
        sys.stderr.write(f"nothing is measured through an API server: it {error}\n")
        return
    absent = dict(missing)
    patcher = Patcher(plane)
    with contextlib.ExitStack() as stack:
        stack.callback(patcher.close)
        namespaces = {BASELINE: _prepared(plane, "none")[OPEN]}
        for name, enter in _entrances(site, plane, targets):
            try:
                namespace = stack.enter_context(enter)
                _wait_in_force(plane, patcher, namespace)
                namespaces[name] = namespace
            except (MissingTargetError, AssertionError, OSError, RuntimeError) as error:
                absent[name] = str(error)
        taken = _cycles(patcher, namespaces, cycles, absent)
    notes = [
        f"{cycles} rounds of one PATCH under each, in random order, by one client; added: median "
        f"of the differences to the PATCH of the same round without a webhook; etcd without fsync",
        f"÷ OPA: of what is added; wanted of the gate: at most {ADDED_AT_MOST}",
        f"the journals' disk ({file_system(site.folder)}) keeps 512 bytes in "
        f"{sync_ms(site.folder):.2f} ms; load now {os.getloadavg()[0]:.1f}",
        *(f"missing: {name}: {reason}" for name, reason in absent.items()),
    ]
    added = {
        name: median([one - other for one, other in zip(mine, taken[BASELINE], strict=True)])
        for name, mine in taken.items()
    }
    publish("webhook-api-server", [_row(name, taken[name], added) for name in taken], notes)


def _entrances(
    site: Site, plane: ControlPlane, targets: Sequence[Target]
) -> Iterator[tuple[str, contextlib.AbstractContextManager[str]]]:
    """What puts each target in force, and gives the namespace that is open under it."""
    for target in targets:
        if target.through_api_server:
            yield target.name, _under(site, plane, target)
    yield FALLBACK, _under_fallback(site, plane)


@contextlib.contextmanager
def _under(site: Site, plane: ControlPlane, target: Target) -> Iterator[str]:
    """The open namespace of a target whose webhook is in force there and in a frozen one."""
    with contextlib.ExitStack() as stack:
        namespaces = _prepared(plane, target.slug)
        for prefix, namespace in namespaces.items():
            if not target.registers_itself:
                registered = webhook(
                    plane,
                    target.url(prefix),
                    namespace=namespace,
                    rules=_RULES,
                    ca=site.authority,
                    timeout_seconds=10,
                )
                stack.enter_context(registered)
        yield namespaces[OPEN]


@contextlib.contextmanager
def _under_fallback(site: Site, plane: ControlPlane) -> Iterator[str]:
    """The same for the lock that needs no webhook."""
    namespaces = _prepared(plane, "fallback", Fallback.labels)
    Fallback(site).apply(plane)
    yield namespaces[OPEN]


def _prepared(
    plane: ControlPlane, slug: str, labels: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A frozen and an open namespace, each with the Deployment."""
    made = {prefix: f"{prefix}-{slug}" for prefix in (FROZEN, OPEN)}
    for namespace in made.values():
        add_namespace(plane, namespace)
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        plane.request("POST", path, deployment(namespace, IMAGES[0])).ok()
        # Only now: what governs the namespace by its labels may refuse the Deployment.
        plane.request(
            "PATCH",
            f"/api/v1/namespaces/{namespace}",
            {"metadata": {"labels": {LABEL: slug, **(labels or {})}}},
            content_type="application/merge-patch+json",
        ).ok()
    return made


def _wait_in_force(plane: ControlPlane, patcher: Patcher, opened: str) -> None:
    """Until a PATCH is refused where it is frozen; it must be accepted where it is open."""
    frozen = FROZEN + opened.removeprefix(OPEN)

    def refused() -> bool:
        answer = patcher.patch(frozen, "?dryRun=All")
        if answer.status >= 500:
            raise RuntimeError(f"PATCH in {frozen}: {answer.status} {answer.body[:300]}")
        return answer.status >= 400

    plane.wait_for(f"a PATCH in {frozen} is refused", refused)
    patcher.milliseconds(opened)


def _cycles(
    patcher: Patcher, namespaces: dict[str, str], cycles: int, absent: dict[str, str]
) -> dict[str, list[float]]:
    """Milliseconds of each PATCH; what fails is put into `absent`, and the others go on."""
    rng = random.Random(7)  # noqa: S311
    taken: dict[str, list[float]] = {name: [] for name in namespaces}
    for number in range(cycles + _WARM_CYCLES):
        for name in rng.sample(list(taken), len(taken)):
            try:
                one = patcher.milliseconds(namespaces[name])
            except RuntimeError as error:
                if name == BASELINE:
                    raise
                absent[name] = str(error)
                del taken[name]
                continue
            if number >= _WARM_CYCLES:
                taken[name].append(one)
    return taken


def _row(name: str, mine: Sequence[float], added: Mapping[str, float]) -> dict[str, Any]:
    opa = added.get(Opa.name)
    return {
        "PATCH under": name,
        "p50 ms": round(median(mine), 2),
        "p99 ms": round(percentile(mine, 99), 1),
        "added ms": round(added[name], 2),
        "÷ OPA": round(added[name] / opa, 2) if opa and name != BASELINE else "",
    }
