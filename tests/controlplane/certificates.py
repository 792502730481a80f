"""An authority of the control plane's own, and the certificates that it signs."""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = dt.timedelta(days=365)
# Machines' clocks disagree: what is signed now must hold on one that is behind.
_BEFORE = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """The files (PEM) of a certificate and of its private key."""

    certificate: Path
    key: Path


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Write a fresh P-256 key in the form that Kubernetes reads (SEC 1), for its owner only."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return key


def authority(folder: Path, *, now: dt.datetime, name: str = "test-ca") -> Pair:
    """Make an authority: ``ca.crt`` and ``ca.key`` in `folder`."""
    pair = Pair(folder / "ca.crt", folder / "ca.key")
    key = private_key(pair.key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _builder(subject, subject, key.public_key(), now, YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    pair.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return pair


def serving(
    ca: Pair,
    path: Path,
    *,
    now: dt.datetime,
    names: Iterable[str] = ("127.0.0.1", "localhost"),
    lifetime: dt.timedelta = YEAR,
) -> Pair:
    """A server's certificate for host names and addresses: ``PATH.crt`` and ``PATH.key``.

    It is valid from an hour before `now` until `now` + `lifetime` (which may be negative: expired).
    """
    others: list[x509.GeneralName] = []
    for name in names:
        try:
            others.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            others.append(x509.DNSName(name))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.name)])
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    return _signed(ca, path, subject, purpose, now, lifetime, others)


def client(
    ca: Pair, path: Path, user: str, groups: Iterable[str] = (), *, now: dt.datetime
) -> Pair:
    """A certificate that Kubernetes takes as that user in those groups."""
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )
    return _signed(ca, path, subject, ExtendedKeyUsageOID.CLIENT_AUTH, now, YEAR, [])


def _signed(
    ca: Pair,
    path: Path,
    subject: x509.Name,
    purpose: x509.ObjectIdentifier,
    now: dt.datetime,
    lifetime: dt.timedelta,
    others: list[x509.GeneralName],
) -> Pair:
    pair = Pair(path.with_name(f"{path.name}.crt"), path.with_name(f"{path.name}.key"))
    issuer = x509.load_pem_x509_certificate(ca.certificate.read_bytes())
    signer = serialization.load_pem_private_key(ca.key.read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = private_key(pair.key)
    builder = (
        _builder(subject, issuer.subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    made = builder.sign(signer, hashes.SHA256())
    pair.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return pair


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    start = now - _BEFORE + min(lifetime, dt.timedelta())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
