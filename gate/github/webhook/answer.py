"""How a delivery is answered: nothing, a word of JSON, or a problem document (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec

PROBLEM = "application/problem+json"
JSON = "application/json"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Status, body and the body's media type (None: no body). ``retry_seconds`` is Retry-After."""

    status: int
    body: bytes = b""
    media_type: str | None = None
    retry_seconds: int | None = None


NOTHING = Answer(status=204)
"""For what is none of the gate's business."""


def said(status: int, /, **fields: Any) -> Answer:
    """An answer in words."""
    return Answer(status=status, body=msgspec.json.encode(fields), media_type=JSON)


def problem(
    status: int, detail: str, *, field: str | None = None, retry_seconds: int | None = None
) -> Answer:
    """What is wrong, and where: ``field`` is a header, or a path in the payload."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        document["errors"] = [{"message": detail, "field": field}]
    return Answer(
        status=status,
        body=msgspec.json.encode(document),
        media_type=PROBLEM,
        retry_seconds=retry_seconds,
    )
