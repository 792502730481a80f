"""GitHub's OIDC tokens: is this one of them, for us, now; and may who shows it ask anything here?

Three endings that must not be confused: *refused as unverified* (401: whatever it is, it proves
nothing), *refused as not allowed* (403: it is genuine, and nobody has given that workflow rights),
and *not verifiable now* (503: the issuer's keys cannot be had).
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

import jwt
import msgspec

from gate.core.policy import Invoker, TokenGrant, TokenRules
from gate.github.names import REPOSITORY, is_person
from gate.github.token_keys import Fetch, IssuerKeys, Keeping, KeysUnavailable

ALGORITHM = "RS256"
"""The one that GitHub signs with; no other is ever tried, whatever a token's header says."""
LEEWAY = timedelta(seconds=30)
MOST_BYTES = 16_384
_PULL = re.compile(r"refs/pull/.*", re.DOTALL)
_LAST_SECOND = 253_402_300_799
_jws = jwt.PyJWS()


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a genuine token says of the run that shows it."""

    repository: str
    repository_owner: str | None = None
    ref: str | None = None
    event_name: str | None = None
    actor: str | None = None
    environment: str | None = None
    job_workflow_ref: str | None = None
    head_ref: str | None = None
    base_ref: str | None = None
    sub: str | None = None

    @property
    def invoker(self) -> Invoker:
        """A person only where one has started the run by hand, and not through a bot's account."""
        by_hand = self.event_name == "workflow_dispatch"
        return "human" if by_hand and self.actor and is_person(self.actor, None) else "automation"


class Refusal(msgspec.Struct, frozen=True):
    """No: ``unverified`` where the token proves nothing, ``forbidden`` where it gives no rights."""

    kind: Literal["unverified", "forbidden"]
    reason: str


class Outage(msgspec.Struct, frozen=True):
    """Nobody can tell now."""

    reason: str


class Verifier:
    """Judges tokens; may be used by several threads.

    ``fetch`` is asked for the issuer's documents alone, never for what a token names.
    """

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], datetime],
        *,
        leeway: timedelta = LEEWAY,
        keeping: Keeping = Keeping(),  # noqa: B008 - frozen
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._leeway_seconds = leeway.total_seconds()
        self._keeping = keeping
        self._keys: tuple[str, IssuerKeys] | None = None

    def judge(self, token: str, rules: TokenRules) -> Claims | Refusal | Outage:
        """Whose token this is, where the rules give them rights; else why not."""
        verified = self.verify(token, issuer=rules.issuer, audience=rules.audience)
        if not isinstance(verified, Claims):
            return verified
        return forbidden(verified, rules.allow) or verified

    def verify(self, token: str, *, issuer: str, audience: str) -> Claims | Refusal | Outage:
        """What the token says, where the issuer has signed it for this audience and this time."""
        try:
            key_id = _key_id(token)
            key = self._keys_of(issuer).find(key_id)
            if key is None:
                raise _Unverified("the issuer has no such key")
            try:
                payload = _jws.decode(token, key, algorithms=[ALGORITHM])
            except jwt.PyJWTError:
                raise _Unverified("the signature is not the issuer's") from None
            said = _claims_of(payload)
            _check_addressed(said, issuer, audience)
            self._check_time(said)
            return _claims(said)
        except KeysUnavailable as error:
            return Outage(str(error))
        except _Unverified as error:
            return Refusal("unverified", str(error))

    def _keys_of(self, issuer: str) -> IssuerKeys:
        # A policy names one issuer; with another policy comes another, and the old one's are void.
        kept = self._keys
        if kept is None or kept[0] != issuer:
            made = IssuerKeys(issuer, self._fetch, self._clock, self._keeping)
            kept = self._keys = (issuer, made)
        return kept[1]

    def _check_time(self, said: dict[str, Any]) -> None:
        now, leeway = self._clock().timestamp(), self._leeway_seconds
        if now >= _seconds(said, "exp") + leeway:
            raise _Unverified("the token has expired")
        if _seconds(said, "iat") > now + leeway:
            raise _Unverified("the token was issued in the future")
        if "nbf" in said and _seconds(said, "nbf") > now + leeway:
            raise _Unverified("the token is not valid yet")


def forbidden(claims: Claims, allow: Sequence[TokenGrant]) -> Refusal | None:
    """Why these claims give no rights; None where they do."""
    for holds, reason in _STRANGERS:
        if holds(claims):
            return Refusal("forbidden", reason)
    if not any(_granted(claims, grant) for grant in allow):
        return Refusal("forbidden", f"the policy's tokens.allow has no entry for {_who(claims)}")
    return None


def _owner_differs(claims: Claims) -> bool:
    owner = claims.repository.partition("/")[0]
    return claims.repository_owner not in (None, owner)


# Nothing in a token says whether a pull request comes from a fork. So none of them has rights: a
# fork that gets a token, be it by a setting of the repository or by `pull_request_target`, must not
# be able to pass for its base.
_STRANGERS: tuple[tuple[Callable[[Claims], bool], str], ...] = (
    (
        lambda claims: claims.event_name == "pull_request_target",
        "pull_request_target runs at the word of any fork",
    ),
    (
        lambda claims: (claims.event_name or "").startswith("pull_request"),
        "a pull request may come from a fork",
    ),
    (
        lambda claims: bool(_PULL.fullmatch(claims.ref or "")),
        "the ref is that of a pull request, which may come from a fork",
    ),
    (
        lambda claims: bool(claims.head_ref),
        "the run is one of a pull request, which may come from a fork",
    ),
    (
        lambda claims: (claims.sub or "").endswith(":pull_request"),
        "the subject is a pull request, which may come from a fork",
    ),
    (_owner_differs, "repository and repository_owner contradict each other"),
)


def _granted(claims: Claims, grant: TokenGrant) -> bool:
    pairs = (
        (claims.repository, grant.repository),
        (claims.ref, grant.ref),
        (claims.environment, grant.environment),
        (claims.job_workflow_ref, grant.job_workflow_ref),
    )
    return all(
        glob is None or (said is not None and fnmatchcase(said, glob)) for said, glob in pairs
    )


def _who(claims: Claims) -> str:
    parts = (
        ("ref", claims.ref),
        ("environment", claims.environment),
        ("job_workflow_ref", claims.job_workflow_ref),
    )
    return ", ".join([claims.repository, *(f"{name} {said[:200]}" for name, said in parts if said)])


class _Unverified(Exception):  # noqa: N818 - becomes a value
    pass


def _key_id(token: str) -> str:
    """The key that a token names, where its header is one that we take."""
    if len(token) > MOST_BYTES:
        raise _Unverified("the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    # Whatever a stranger's bytes make of the parser: they are no token.
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise _Unverified("this is no token") from None
    if header.get("alg") != ALGORITHM:
        raise _Unverified(f"the token is not signed with {ALGORITHM}")
    if "crit" in header or header.get("b64", True) is not True:
        raise _Unverified("the token asks for extensions")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise _Unverified("the token names no key")
    return key_id


def _claims_of(payload: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a claim stands twice")
        return dict(pairs)

    try:
        said = json.loads(payload, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise _Unverified("the token's claims cannot be read") from None
    if not isinstance(said, dict):
        raise _Unverified("the token has no claims")
    return said


def _check_addressed(said: dict[str, Any], issuer: str, audience: str) -> None:
    if said.get("iss") != issuer:
        raise _Unverified("the token is another issuer's")
    addressed = said.get("aud")
    if audience not in (addressed if isinstance(addressed, list) else [addressed]):
        raise _Unverified("the token is for another audience")


def _seconds(said: dict[str, Any], name: str) -> float:
    value = said.get(name)
    # The comparison first: it is false for what is no number, and takes integers of any length.
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value <= _LAST_SECOND
    ):
        raise _Unverified(f"the token has no {name} that is a time")
    return float(value)


def _claims(said: dict[str, Any]) -> Claims | Refusal:
    named = {name: said[name] for name in Claims.__struct_fields__ if said.get(name) is not None}
    for name, value in named.items():
        if not isinstance(value, str):
            return Refusal("forbidden", f"the token's {name} is no text")
    # GitHub gives an empty text where there is none.
    found: dict[str, str] = {name: value for name, value in named.items() if value}
    if not REPOSITORY.fullmatch(found.get("repository", "")):
        return Refusal("forbidden", "the token names no repository")
    return Claims(**found)
