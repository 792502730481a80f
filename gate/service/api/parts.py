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
    github = staff.connection(environ) if "workers" in settings.only else None

    def authenticator(decider: Decider) -> BearerTokens:
        def rules() -> TokenRules | None:
            return None if decider.policy is None else decider.policy.tokens

        return BearerTokens(Verifier(fetch, utc_now), rules, new_rates(settings.limits))

    def workers(decider: Decider) -> Sequence[Worker]:
        if "workers" not in settings.only:
            return ()
        staffed = () if github is None else staff.workers(where, github, decider.judge("github"))
        return [*staffed, Sampler(where, lambda: decider.booked, environ)]

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
