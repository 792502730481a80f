"""The server of a command's options and environment, put together."""

import socket
from collections.abc import Callable, Mapping

from gate.service.api.server import Server
from gate.service.api.settings import Settings
from gate.service.api.tokens import BearerTokens
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
    return Server(
        settings, where, listener,
        authenticator=lambda decider: BearerTokens(decider, settings.limits),
        announce=announce,
    )  # fmt: skip
