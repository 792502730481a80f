"""Problem documents (RFC 9457): how every refusal and every failure is answered."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

MEDIA_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with a part of the request; ``field`` None: with the whole."""

    message: str
    field: str | None = None


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refusal as it is sent. ``errors`` are the fields concerned, where there are any."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()

    def encoded(self) -> bytes:
        """As JSON, the type included."""
        return msgspec.json.encode({"type": self.type, **msgspec.to_builtins(self)})


class Refused(Exception):  # noqa: N818 - an answer, with a status
    """The request is answered with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.document = ProblemDocument(
            title=HTTPStatus(status).phrase, status=status, detail=detail, errors=tuple(errors)
        )

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.document.status


def answer(refused: Refused) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers."""
    body = refused.document.encoded()
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **refused.headers}
    return refused.status, body, headers


async def send_problem(send: Any, refused: Refused) -> None:
    """Answer so over ASGI."""
    status, body, headers = answer(refused)
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
