"""Give the API server the webhook's configuration, and say in words what it answered."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gate.cluster.configuration import PROTECT_LABEL
from gate.core.problems import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, ApiException

FIELD_MANAGER = "saturday-gate-install"
"""Who owns the fields that this command sets, as the API server names it."""
_TIMEOUTS_SECONDS = (5, 20)
_CREATED = 201


class ClusterUnavailable(Exception):  # noqa: N818  (nobody's mistake: the answer is exit 4)
    """The API server cannot be reached, or refuses; the message says why and what to do."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; ``namespaces`` are those that opted in, None where they cannot be read."""

    server: str
    created: bool
    namespaces: tuple[str, ...] | None


class _Status(msgspec.Struct):
    """The part of a Kubernetes Status that a person needs."""

    message: str = ""


def apply(
    configuration: dict[str, Any], kubeconfig: str | None, *, dry_run: bool, force: bool
) -> Applied:
    """Server-side apply, by a field manager of its own.

    ``force`` takes over fields that others own. Raises `ClusterUnavailable`, and `InputError` for a
    kubeconfig that cannot be used.
    """
    name = configuration["metadata"]["name"]
    with _client(kubeconfig, os.environ) as api:
        from kubernetes.client import AdmissionregistrationV1Api, CoreV1Api  # noqa: PLC0415

        server = str(api.configuration.host)
        registration, core = AdmissionregistrationV1Api(api), CoreV1Api(api)
        answer = _called(
            server,
            lambda: registration.patch_validating_webhook_configuration(
                name,
                configuration,
                field_manager=FIELD_MANAGER,
                force=force,
                dry_run="All" if dry_run else None,
                _content_type="application/apply-patch+yaml",
                _preload_content=False,
                _request_timeout=_TIMEOUTS_SECONDS,
            ),
        )
        return Applied(
            server=server,
            created=answer.status == _CREATED,
            namespaces=_protected(server, core),
        )


def _protected(server: str, core: Any) -> tuple[str, ...] | None:
    """The namespaces with the label that are to stay; None where this user may not list them."""
    try:
        answer = _called(
            server,
            lambda: core.list_namespace(
                label_selector=f"{PROTECT_LABEL}=true",
                _preload_content=False,
                _request_timeout=_TIMEOUTS_SECONDS,
            ),
        )
    except ClusterUnavailable:
        return None
    found = msgspec.json.decode(answer.data, type=_Namespaces)
    return tuple(
        sorted(each.metadata.name for each in found.items if each.status.phase != "Terminating")
    )


class _Metadata(msgspec.Struct):
    name: str


class _Phase(msgspec.Struct, frozen=True):
    phase: str = ""


class _Namespace(msgspec.Struct):
    metadata: _Metadata
    status: _Phase = _Phase()


class _Namespaces(msgspec.Struct):
    items: list[_Namespace]


@contextmanager
def _client(kubeconfig: str | None, environment: Mapping[str, str]) -> "Iterator[ApiClient]":
    """A client for ``kubeconfig``, else $KUBECONFIG, else the pod's cluster, else ~/.kube/config.

    InputError where none can be used.
    """
    try:
        from kubernetes import client, config  # noqa: PLC0415  (an extra, and slow to load)
    except ImportError:
        raise InputError.of(
            "--apply needs the kubernetes library",
            mend="pip install 'saturday-gate[cluster]', or pipe the output to kubectl apply -f -",
        ) from None
    settings = client.Configuration()
    # One answer soon is worth more to a person than retries in silence.
    settings.retries = False
    path = kubeconfig or environment.get("KUBECONFIG")
    load: Callable[..., Any] = config.load_kube_config
    if not path and "KUBERNETES_SERVICE_HOST" in environment:
        source, load = "the pod's service account", config.load_incluster_config
        arguments: dict[str, Any] = {}
    else:
        source = path or str(Path("~/.kube/config").expanduser())
        arguments = {"config_file": source, "persist_config": False}
    try:
        load(client_configuration=settings, **arguments)
    except Exception as error:
        # The loader trips over a malformed file in many ways: by its own error, those of YAML, of
        # base64 and of the file system, and by KeyError or AttributeError.
        raise InputError.of(
            f"cannot be used to reach a cluster: {error or type(error).__name__}",
            file=source,
            mend="give --kubeconfig FILE, or set KUBECONFIG",
        ) from None
    with client.ApiClient(settings) as api:
        yield api


def _called(server: str, call: Callable[[], Any]) -> Any:
    """What the API server answers; `ClusterUnavailable` where it does not, or refuses."""
    from kubernetes.client import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        return call()
    except ApiException as error:
        raise ClusterUnavailable(_refusal(server, error)) from None
    except (HTTPError, OSError) as error:
        raise ClusterUnavailable(
            f"the API server {server} cannot be reached: {error};"
            " check the address, or print the configuration without --apply"
        ) from None


def _refusal(server: str, error: "ApiException") -> str:
    said = str(error.reason or "")
    with suppress(msgspec.DecodeError):
        said = msgspec.json.decode(error.body or b"", type=_Status).message or said
    head = f"the API server {server} refuses ({error.status or 'no answer'}): {said.strip()}"
    return f"{head}; {_MENDS[error.status]}" if error.status in _MENDS else head


_MENDS = {
    401: "your credentials are not known there: log in again, or give another --kubeconfig",
    403: "it takes `create` and `patch` on validatingwebhookconfigurations of"
    " admissionregistration.k8s.io",
    409: "--force-conflicts takes these fields over",
}
