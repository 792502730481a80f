"""Whether a delivery is GitHub's: HMAC-SHA-256 of the body as it came, under the webhook's secret.

The signature covers the body alone. Neither the delivery's id nor the event's name is proven by it,
so nothing that matters rests on these two.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from gate.core.problems import InputError

VARIABLE = "GATE_GITHUB_WEBHOOK_SECRET"
_MOST = 4
_PREFIX = b"sha256="


class Secrets:
    """The secrets that are accepted; several while one takes the place of another."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = tuple(values)

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)})"

    def sign(self, body: bytes) -> str:
        """The header that goes with a body, by the first of them."""
        return (_PREFIX + _signature(self._values[0], body)).decode()

    def accept(self, body: bytes, header: str | None) -> bool:
        """Whether ``X-Hub-Signature-256`` fits the body, found out in constant time."""
        given = (header or "").encode("utf-8", "surrogatepass")
        # All of them are tried, whichever fits: the time taken must not tell which one.
        fits = [
            hmac.compare_digest(_PREFIX + _signature(value, body), given) for value in self._values
        ]
        return any(fits)


def secrets(environ: Mapping[str, str]) -> Secrets | None:
    """``GATE_GITHUB_WEBHOOK_SECRET``, one secret a line; None where there is none.

    Raises `InputError` for more than four: each delivery is tried with all of them.
    """
    lines = [line.strip() for line in environ.get(VARIABLE, "").splitlines()]
    values = [line.encode("utf-8", "surrogateescape") for line in lines if line]
    if len(values) > _MOST:
        raise InputError.of(
            f"{len(values)} secrets are too many",
            field=VARIABLE,
            mend="give one, or the old and the new one while they change",
        )
    return Secrets(values) if values else None


def _signature(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
