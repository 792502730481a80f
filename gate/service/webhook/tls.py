"""TLS: the server's certificate, reloaded when its files change, and who may be a client."""

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gate.core.problems import InputError
from gate.service.stamps import Stamps, stamps


class Certificate:
    """A server context whose certificate follows its files.

    Connections that stand keep the certificate they began with; those that come after a reload
    get the new one. A pair that cannot be used (a half-written file, a key that does not fit) is
    left alone and tried again at the next look, while the last good one serves.
    """

    def __init__(self, cert: str, key: str, client_ca: str | None = None) -> None:
        """Load the pair. Raises InputError where it cannot be used."""
        self._cert, self._key = cert, key
        self._stamp: Stamps | None = self._look()
        self._load(_server_context())
        self.context = _server_context()
        if client_ca:
            _require_clients_of(self.context, client_ca)
        self._load(self.context)
        self.expires = _expiry(cert)
        self.trouble: str | None = None

    def follow(self) -> bool:
        """Reload where the files changed; True where a new certificate is in use."""
        stamp = self._look()
        if stamp is None or stamp == self._stamp:
            return False
        try:
            self._load(_server_context())
            self._load(self.context)
            self.expires = _expiry(self._cert)
        except InputError as error:
            self.trouble = str(error)
            return False
        self._stamp, self.trouble = stamp, None
        return True

    def usable(self, now: datetime) -> str | None:
        """Why clients will refuse it, or None."""
        if now >= self.expires:
            return f"expired at {self.expires:%Y-%m-%dT%H:%M:%SZ}"
        return None

    def seconds_left(self, now: datetime) -> float:
        """Until it expires; negative afterwards."""
        return (self.expires - now).total_seconds()

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            raise InputError.of(
                f"certificate and key cannot be used: {why or error}",
                file=self._cert,
                field="--tls-cert",
                mend=f"give a PEM chain and the PEM key that fits it ({self._key})",
            ) from None

    def _look(self) -> Stamps | None:
        """What tells that a file was changed; None while one of the two is not there."""
        seen = stamps((self._cert, self._key))
        return None if None in seen else seen


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _require_clients_of(context: ssl.SSLContext, client_ca: str) -> None:
    try:
        context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        raise InputError.of(
            f"cannot be read as certificates: {error}",
            file=client_ca,
            field="--tls-client-ca",
            mend="give the authority of the API server's client certificate (PEM)",
        ) from None
    context.verify_mode = ssl.CERT_REQUIRED


def _expiry(cert: str) -> datetime:
    try:
        return x509.load_pem_x509_certificate(Path(cert).read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise InputError.of(
            f"no certificate can be read: {error}", file=cert, field="--tls-cert"
        ) from None
