"""The certificates that an API server is to trust: PEM in, checked PEM out. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from gate.core.instants import format_instant
from gate.core.problems import InputError, Problem

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_EXPIRES_SOON = timedelta(days=30)
_BEGIN = re.compile(rb"-----BEGIN ([^\r\n-]+)-----")


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates as PEM, and what deserves a second look."""

    pem: bytes
    warnings: tuple[Problem, ...]


def read_bundle(data: bytes, file: str, now: datetime) -> Bundle:
    """The certificates (PEM) in ``data``, and nothing else that stands there.

    Raises `InputError` with all problems: no certificate, one that cannot be read, a private key,
    only certificates that do not hold now.
    """
    certificates, problems = _certificates(data, file)
    if not certificates and not problems:
        raise InputError.of(
            "holds no certificate", file=file, mend=f"give certificates as PEM{_perhaps_der(data)}"
        )
    if problems:
        raise InputError(problems)
    warnings = [
        warning
        for line, each in certificates
        for warning in _doubts(each, now, file=file, line=line)
    ]
    if not any(
        each.not_valid_before_utc <= now < each.not_valid_after_utc for _, each in certificates
    ):
        raise InputError([each for each in warnings if each.mend])
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    pem = b"".join(each.public_bytes(Encoding.PEM) for _, each in certificates)
    return Bundle(pem=pem, warnings=tuple(warnings))


def _certificates(data: bytes, file: str) -> tuple[list[tuple[int, "Certificate"]], list[Problem]]:
    """Each certificate with its line, and what stands in the file instead of one."""
    found: list[tuple[int, Certificate]] = []
    problems = []
    for line, label, block in _blocks(data):
        read = _certificate(label, block)
        if isinstance(read, tuple):
            message, mend = read
            problems.append(Problem(message=message, file=file, line=line, mend=mend))
        else:
            found.append((line, read))
    return found, problems


def _certificate(label: str, block: bytes | None) -> "Certificate | tuple[str, str]":
    """The certificate of a block, or what is wrong with it and how to mend that."""
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415  (slow to load)

    if label.endswith("PRIVATE KEY"):
        message = "holds a private key, which belongs to the webhook alone"
        return message, "give certificates only"
    if label != "CERTIFICATE":
        return f"holds a block {label[:40]!r}, which is no certificate", "give certificates only"
    if block is None:
        return "holds a certificate without its end", "copy the whole file"
    try:
        return load_pem_x509_certificate(block)
    except ValueError:
        return "holds a certificate that cannot be read", "copy it again"


def _blocks(data: bytes) -> Iterator[tuple[int, str, bytes | None]]:
    """The line, the label and the bytes of each PEM block; None for bytes that have no end."""
    begins = list(_BEGIN.finditer(data))
    for number, begin in enumerate(begins):
        limit = begins[number + 1].start() if number + 1 < len(begins) else len(data)
        end_line = b"-----END " + begin[1] + b"-----"
        end = data.find(end_line, begin.end(), limit)
        line = data.count(b"\n", 0, begin.start()) + 1
        block = data[begin.start() : end + len(end_line)] if end >= 0 else None
        yield line, begin[1].decode("ascii", "replace"), block


def _doubts(
    certificate: "Certificate", now: datetime, *, file: str, line: int
) -> Iterable[Problem]:
    """What a person should know of a certificate; a ``mend`` where it does not hold now."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end <= now:
        yield Problem(
            message=f"the certificate ended on {format_instant(end)}",
            file=file, line=line, mend="renew it",
        )  # fmt: skip
    elif now < start:
        yield Problem(
            message=f"the certificate does not hold before {format_instant(start)}",
            file=file, line=line, mend="check the clock, or issue it again",
        )  # fmt: skip
    elif end - now < _EXPIRES_SOON:
        yield Problem(
            message=f"the certificate ends on {format_instant(end)}", file=file, line=line
        )
    if not _is_authority(certificate):
        yield Problem(
            message="the certificate is no authority: only this very certificate is trusted, and"
            " a renewed one is not until this command runs again",
            file=file, line=line,
        )  # fmt: skip


def _is_authority(certificate: "Certificate") -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound  # noqa: PLC0415

    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


def _perhaps_der(data: bytes) -> str:
    is_der = data[:1] == b"\x30" and b"\x00" in data[:4096]
    return "; this looks like DER: openssl x509 -inform der" if is_der else ""
