"""The server of a command's options and environment, put together."""

import socket
from collections.abc import Callable, Mapping

from gate.core.policy import TokenRules
from gate.github.fetching import fetch
from gate.github.tokens import Verifier
from gate.service.api.guard import new_rates
from gate.service.api.server import Server
from gate.service.api.settings import Settings
from gate.service.api.tokens import BearerTokens
from gate.service.clock import utc_now
from gate.service.deciding import Decider
from gate.store.connect import Target


def server(
    settings: Settings,
    where: Target,
    listener: socket.socket,
    *,
    environ: Mapping[str, str],
    announce: Callable[[str], None],
) -> Server:
    """A server by these settings; secrets of GitHub come from the environment."""

    def authenticator(decider: Decider) -> BearerTokens:
        def rules() -> TokenRules | None:
            return None if decider.policy is None else decider.policy.tokens

        return BearerTokens(Verifier(fetch, utc_now), rules, new_rates(settings.limits))

    return Server(settings, where, listener, authenticator=authenticator, announce=announce)
