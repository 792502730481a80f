"""The keys of an issuer of OIDC tokens: fetched, kept, renewed when they rotate.

An unknown key is a reason to look again, but not more often than the cool-down allows: whoever
sends tokens of invented keys must not make the gate knock at the issuer's door. Keys that the
issuer has withdrawn are gone with the next look. While the issuer is away, what it said last holds
for a bounded time.
"""

import base64
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from gate.core.instants import format_instant

Fetch = Callable[[str], bytes]
"""The document at a URL. Raises `OSError` where it cannot be had."""

_LEAST_BITS, _MOST_BITS = 2048, 8192
_MOST_KEYS = 64
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How long what holds.

    After ``fresh`` the keys are looked at anew; ``cooldown`` lies between two looks; for ``kept``
    they hold while that fails.
    """

    fresh: timedelta = timedelta(minutes=15)
    cooldown: timedelta = timedelta(seconds=30)
    kept: timedelta = timedelta(hours=6)


class KeysUnavailable(Exception):  # noqa: N818 - an outage, no error of ours
    """The issuer's keys are not known, and cannot be had now."""


class IssuerKeys:
    """The RSA keys of one issuer, by id; may be used by several threads."""

    def __init__(
        self,
        issuer: str,
        fetch: Fetch,
        clock: Callable[[], datetime],
        keeping: Keeping = Keeping(),  # noqa: B008 - frozen
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keeping = keeping
        self._looking = threading.Lock()
        self._keys: dict[str, RSAPublicKey] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._trouble: str | None = None

    def find(self, key_id: str) -> RSAPublicKey | None:
        """The key of this id; None where the issuer has none.

        Raises `KeysUnavailable` where nobody can tell.
        """
        now = self._clock()
        if key_id not in self._keys or not self._within(self._read_at, now, self._keeping.fresh):
            self._look(key_id, now)
        if not self._within(self._read_at, now, self._keeping.kept):
            raise KeysUnavailable(self._trouble or "the issuer's keys were not read yet")
        found = self._keys.get(key_id)
        if found is None and self._trouble is not None:
            # It may be a new one.
            raise KeysUnavailable(self._trouble)
        return found

    def _look(self, key_id: str, now: datetime) -> None:
        # Who finds somebody looking waits for what that brings, unless it knows the key already.
        if not self._looking.acquire(blocking=key_id not in self._keys):
            return
        try:
            if self._within(self._tried_at, now, self._keeping.cooldown):
                return
            self._tried_at = now
            try:
                self._keys = self._read()
            except (OSError, ValueError) as error:
                since = f" (last read {format_instant(self._read_at)})" if self._read_at else ""
                self._trouble = f"the keys of {self._issuer} cannot be read: {error}{since}"
            else:
                self._read_at, self._trouble = now, None
        finally:
            self._looking.release()

    def _read(self) -> dict[str, RSAPublicKey]:
        require_https(self._issuer)
        where = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        said = _object(self._fetch(where), "the issuer's configuration")
        if said.get("issuer") != self._issuer:
            raise ValueError("its configuration is that of another issuer")
        uri = said.get("jwks_uri")
        if not isinstance(uri, str):
            raise ValueError("its configuration names no jwks_uri")
        require_https(uri)
        return keys_of(self._fetch(uri))

    @staticmethod
    def _within(instant: datetime | None, now: datetime, span: timedelta) -> bool:
        # A clock that was set back makes nothing fresh for ever.
        return instant is not None and abs(now - instant) < span


def keys_of(document: bytes) -> dict[str, RSAPublicKey]:
    """The RSA signing keys of a JSON Web Key Set, by id; keys of other kinds are left out.

    Raises ValueError for what is no key set or has no key of use.
    """
    listed = _object(document, "the key set").get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("the key set lists no keys, or too many")
    found: dict[str, RSAPublicKey] = {}
    for each in listed:
        key_id = each.get("kid") if isinstance(each, dict) else None
        if isinstance(key_id, str) and key_id and (key := _rsa_key(each)) is not None:
            if key_id in found:
                raise ValueError("two keys of the set have the same id")
            found[key_id] = key
    if not found:
        raise ValueError("the key set has no RSA key for signatures")
    return found


def require_https(url: str) -> None:
    """Raises ValueError for an address that others could answer at; loopback is this machine."""
    parts = urlsplit(url)
    loopback = parts.hostname in _LOOPBACK
    if not parts.hostname or parts.scheme not in (("https", "http") if loopback else ("https",)):
        raise ValueError(f"{url[:200]!r} is no https address")


def _rsa_key(listed: dict[str, Any]) -> RSAPublicKey | None:
    """The key, where it is one for our signatures and of a good size."""
    usual = (listed.get("kty"), listed.get("use", "sig"), listed.get("alg", "RS256"))
    if usual != ("RSA", "sig", "RS256"):
        return None
    try:
        modulus, exponent = _number(listed["n"]), _number(listed["e"])
        bits = modulus.bit_length()
        if bits < _LEAST_BITS or bits > _MOST_BITS or modulus % 2 == 0 or exponent >> 32:
            return None
        return RSAPublicNumbers(exponent, modulus).public_key()
    except (KeyError, TypeError, ValueError):
        return None


def _number(text: str) -> int:
    if not isinstance(text, str) or len(text) > 2 * _MOST_BITS // 8:
        raise ValueError("no number")
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _object(document: bytes, what: str) -> dict[str, Any]:
    try:
        said = json.loads(document)
    except (ValueError, RecursionError):
        raise ValueError(f"{what} is no JSON") from None
    if not isinstance(said, dict):
        raise ValueError(f"{what} is no JSON object")
    return said
