"""Who a bearer token speaks for: a workflow run of a repository that the policy lists."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from gate.core.policy import TokenRules
from gate.github.tokens import Claims, Outage, Refusal, Verifier
from gate.service.api.guard import too_many
from gate.service.api.identity import Identity, Role
from gate.service.api.problems import Refused
from gate.service.api.rates import Rates
from gate.service.logs import log

_REALM = 'Bearer realm="saturday-gate"'
_ROLES: frozenset[Role] = frozenset(("viewer", "deployer"))
_THREADS = 4


class BearerTokens:
    """Judges GitHub's OIDC tokens by the rules in force; ``rules`` gives None without a policy.

    ``failures`` counts refused tokens of an address: guessing is slow.
    """

    def __init__(
        self, verifier: Verifier, rules: Callable[[], TokenRules | None], failures: Rates
    ) -> None:
        self._verifier = verifier
        self._rules = rules
        self._failures = failures
        # An issuer that does not answer must not take the threads of those who read.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tokens")

    async def __call__(self, headers: Mapping[bytes, bytes], client: str) -> Identity:
        """The run that asks. Raises `Refused`."""
        if seconds := self._failures.wait(client):
            raise too_many(seconds)
        token = _token(headers)
        rules = self._rules()
        if rules is None:
            raise Refused(503, "there is no policy that can be read, and so nobody is let in")
        loop = asyncio.get_running_loop()
        judged = await loop.run_in_executor(self._threads, self._verifier.judge, token, rules)
        match judged:
            case Claims():
                return identity_of(judged)
            case Outage(reason):
                log("token-not-verified", client=client, why=reason)
                raise Refused(503, reason, headers={"retry-after": "30"})
            case Refusal(kind, reason):
                log("token-refused", client=client, kind=kind, why=reason)
                if kind == "forbidden":
                    raise Refused(403, reason)
                self._failures.take(client)
                raise _unauthorized(reason, f'{_REALM}, error="invalid_token"')


def identity_of(claims: Claims) -> Identity:
    """What a run may do: ask for itself, and read what its repository asked."""
    return Identity(
        key=f"repository:{claims.repository}",
        roles=_ROLES,
        repository=claims.repository,
        actor=claims.actor,
        invoker=claims.invoker,
    )


def _token(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("a token is wanted: Authorization: Bearer …", _REALM)
    return token.strip()


def _unauthorized(why: str, challenge: str) -> Refused:
    return Refused(401, why, headers={"www-authenticate": challenge})
