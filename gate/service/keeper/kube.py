"""How the cluster is reached, and what its refusals mean."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
)
from urllib3.exceptions import HTTPError

from gate.core.problems import InputError


class ClusterUnavailable(Exception):  # noqa: N818  (nobody's mistake)
    """The API server cannot be reached or refuses; the message says which and why."""


class Refused(ClusterUnavailable):
    """The API server answered, with a status that is not of success."""

    def __init__(self, what: str, error: ApiException) -> None:
        super().__init__(f"cannot {what}: {refusal(error)}")
        self.status = error.status
        self.headers = error.headers
        self.retry_after_seconds = retry_after_seconds(error)


def api_client(
    kubeconfig: str | None, environ: Mapping[str, str], *, connections: int | None = None
) -> ApiClient | None:
    """The API by ``--kubeconfig``, else ``KUBECONFIG``, else from inside a cluster, else None.

    ``connections``: how many are kept open, where many threads call at once. Raises ConfigException
    or OSError for a file that is named and cannot be used.
    """
    configuration = Configuration()
    # Whoever calls has a pace of its own.
    configuration.retries = 0
    if connections is not None:
        configuration.connection_pool_maxsize = connections
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
    return ApiClient(configuration)


def named_client(
    kubeconfig: str | None, environ: Mapping[str, str], *, connections: int | None = None
) -> ApiClient:
    """The same for whoever cannot do without; nothing is asked yet.

    InputError where no cluster is named, or a file that is none.
    """
    try:
        client = api_client(kubeconfig, environ, connections=connections)
    # The library raises what its parsers do, of a file that is no kubeconfig.
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError.of(
            f"the kubeconfig cannot be used: {said}", field="--kubeconfig"
        ) from None
    if client is None:
        raise InputError.of(
            "no cluster is named",
            field="--kubeconfig",
            mend="give --kubeconfig or KUBECONFIG, or run it inside of one",
        )
    return client


def called(what: str, call: Callable[[], Any]) -> Any:
    """The answer; what goes wrong is a `ClusterUnavailable` of one line."""
    try:
        return call()
    except ApiException as error:
        if error.headers is None:
            raise ClusterUnavailable(f"cannot {what}: {refusal(error)}") from error
        raise Refused(what, error) from error
    except (HTTPError, OSError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterUnavailable(f"cannot {what}: {said[:200]}") from error


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
