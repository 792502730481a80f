"""How the cluster is reached, and what its refusals mean."""

from collections.abc import Mapping

import msgspec
from kubernetes.client import ApiClient, ApiException, AppsV1Api, Configuration
from kubernetes.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
)


def apps_api(kubeconfig: str | None, environ: Mapping[str, str]) -> AppsV1Api | None:
    """The API by ``--kubeconfig``, else ``KUBECONFIG``, else from inside a cluster, else None.

    Raises ConfigException or OSError for a file that is named and cannot be used.
    """
    configuration = Configuration()
    # Whoever calls has a pace of its own.
    configuration.retries = 0
    named = kubeconfig or environ.get("KUBECONFIG")
    if named:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=named, client_configuration=configuration, persist_config=False
        )
    else:
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException:
            return None
    return AppsV1Api(ApiClient(configuration))


class _Status(msgspec.Struct, frozen=True):
    message: str = ""


def refusal(error: ApiException) -> str:
    """What the API server says, in one line."""
    try:
        said = msgspec.json.decode(error.body or b"", type=_Status).message
    except (msgspec.MsgspecError, TypeError):
        said = ""
    return f"{error.status} {said or error.reason or ''}".strip()[:300]


def retry_after_seconds(error: ApiException) -> float:
    """How long the API server asks to be left alone, 0 where it does not."""
    value = (error.headers or {}).get("Retry-After", "")
    return min(float(value), 60.0) if value.isdigit() else 0.0
