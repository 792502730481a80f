"""Who asks, and what that allows: the request's body can never raise it."""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from gate.core.decision import Request
from gate.core.policy import Invoker
from gate.service.api.problems import FieldError, Refused

Role = Literal["viewer", "deployer", "operator", "approver"]
ROLES: frozenset[Role] = frozenset(("viewer", "deployer", "operator", "approver"))


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A caller whose credentials were verified.

    ``key`` names it to rate limits. Where ``repository`` is given, it speaks for that one alone:
    ``repository``, ``actor`` and ``invoker`` of what it asks are those of its credentials, and it
    reads that repository's decisions alone.
    """

    key: str
    roles: frozenset[Role]
    repository: str | None = None
    actor: str | None = None
    invoker: Invoker | None = None

    def may(self, role: Role) -> None:
        """Raises `Refused` (403) where the caller has not the role."""
        if role not in self.roles:
            raise Refused(403, f"this takes the role {role}")

    def vouched(self, request: Request) -> Request:
        """The request as this caller may make it. Raises `Refused` (403) for another repository.

        A caller may say less of itself than it is (a person's run that asks as automation), never
        more.
        """
        if self.repository is None:
            return request
        if request.repository not in (None, self.repository):
            why = f"the credentials are those of {self.repository}"
            raise Refused(403, why, errors=[FieldError(why, "repository")])
        human = self.invoker == "human" and request.invoker == "human"
        return msgspec.structs.replace(
            request,
            repository=self.repository,
            actor=self.actor,
            invoker="human" if human else "automation",
        )

    @property
    def default_invoker(self) -> Invoker:
        """What a body that names no invoker is taken for."""
        return self.invoker or "automation"


DEVELOPER = Identity(key="dev", roles=ROLES)
"""Whoever asks a server that was started with ``--dev``."""


class Authenticator(Protocol):
    """Says who asks. Raises `Refused`: 401 without good credentials, 403, 429, 503."""

    async def __call__(self, headers: Mapping[bytes, bytes], client: str) -> Identity:
        """By the request's headers (the last of each name) and its address."""


class Development:
    """Nobody is asked for credentials: on loopback, for whoever tries the gate out.

    A page of another site that the browser is led to under a name of its own (DNS rebinding) is
    kept out by the ``Host`` header.
    """

    _NAMES = ("localhost", "127.0.0.1", "::1")

    async def __call__(self, headers: Mapping[bytes, bytes], client: str) -> Identity:
        """The developer. Raises `Refused` (421) for a host that is not this machine's."""
        host = headers.get(b"host", b"localhost").decode("latin-1").lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name not in self._NAMES and not name.startswith("127."):
            raise Refused(421, "a server started with --dev answers to localhost alone")
        return DEVELOPER
