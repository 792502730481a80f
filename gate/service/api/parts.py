"""The server of a command's options and environment, put together."""

import socket
from collections.abc import Callable, Mapping, Sequence

from gate.core.policy import TokenRules
from gate.github.fetching import fetch
from gate.github.tokens import Verifier
from gate.service.api.guard import new_rates
from gate.service.api.server import Server
from gate.service.api.settings import Settings
from gate.service.api.tokens import BearerTokens
from gate.service.clock import utc_now
from gate.service.deciding import Decider
from gate.service.github import staff
from gate.service.load.sampling import Sampler
from gate.service.workers import Worker
from gate.store.connect import Target


def server(
    settings: Settings,
    where: Target,
    listener: socket.socket,
    *,
    environ: Mapping[str, str],
    announce: Callable[[str], None],
) -> Server:
    """A server by these settings; secrets of GitHub come from the environment.

    Raises InputError for those that cannot be used.
    """
    receiver = staff.receiver(where, environ) if "api" in settings.only else None
    working = "workers" in settings.only
    github = staff.connection(environ) if working else None
    scaling = _scaling(settings, where, environ) if working else None

    def authenticator(decider: Decider) -> BearerTokens:
        def rules() -> TokenRules | None:
            return None if decider.policy is None else decider.policy.tokens

        return BearerTokens(Verifier(fetch, utc_now), rules, new_rates(settings.limits))

    def workers(decider: Decider) -> Sequence[Worker]:
        if not working:
            return ()
        staffed = () if github is None else staff.workers(where, github, decider.judge("github"))
        scaled = () if scaling is None else (scaling(decider),)
        return [*scaled, *staffed, Sampler(where, lambda: decider.booked, environ)]

    def close() -> None:
        if receiver is not None:
            receiver.close()
        if github is not None:
            github.close()

    return Server(
        settings,
        where,
        listener,
        authenticator=authenticator,
        receiver=lambda _: receiver,
        workers=workers,
        closing=close,
        announce=announce,
    )


def _scaling(
    settings: Settings, where: Target, environ: Mapping[str, str]
) -> Callable[[Decider], Worker] | None:
    """Who keeps the floors of a cluster, where one is named."""
    if settings.kubeconfig is None:
        return None
    from gate.service.scaling.worker import service  # noqa: PLC0415  (loads the cluster's client)

    connect = service.connector(settings.kubeconfig, environ)

    def worker(decider: Decider) -> Worker:
        return service.beside_server(
            connect, lambda: (decider.inputs, decider.refused), where, environ
        )

    return worker
