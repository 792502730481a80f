"""What stands around a payload: headers, and the two forms in which GitHub sends a body."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from gate.core.problems import InputError

LARGEST_BODY_BYTES = 25 * 1024 * 1024
"""GitHub sends no larger payload."""
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,99}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 10


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery's id, the event's name, and whether the body is a form."""

    delivery: UUID
    event: str
    form: bool


class MediaTypeError(InputError):
    """A body in a form that GitHub does not send."""


def read_envelope(headers: Mapping[str, str]) -> Envelope:
    """By headers with lower-case names. Raises `InputError`, whose field is the header."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"application/json", _FORM}:
        raise MediaTypeError.of(
            f"the body must be application/json or {_FORM}", field="Content-Type"
        )
    event = headers.get("x-github-event", "")
    if not _EVENT.fullmatch(event):
        raise InputError.of("the event's name is missing, or is none", field="X-GitHub-Event")
    delivery = headers.get("x-github-delivery", "")
    if not _GUID.fullmatch(delivery):
        raise InputError.of(
            "the delivery's id is missing, or is no GUID", field="X-GitHub-Delivery"
        )
    return Envelope(delivery=UUID(delivery), event=event, form=media_type == _FORM)


def payload(envelope: Envelope, body: bytes) -> bytes:
    """The JSON in a body. Raises `InputError` for a form without one."""
    if not envelope.form:
        return body
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict")
        (found,) = fields["payload"]
    except (ValueError, KeyError):
        raise InputError.of("the form has no field payload, or several", field="payload") from None
    return found.encode()
