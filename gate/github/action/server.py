"""Asking a gate server: who we are, by GitHub's token for this job, and what it decided.

An outage and a refusal differ: of an outage the policy may say that changes go on, but a server
that knows us and says no has been reached.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import requests

from gate import __version__
from gate.core.bounded import BeyondBoundsError, gathered
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.printable import plain

AUDIENCE = "saturday-gate"
_PATH = "/api/v1/decisions"
_TIMEOUT_SECONDS = (5.0, 10.0)
_LONGEST_SECONDS = 30.0
_LARGEST_ANSWER_BYTES = 4 << 20
_PAUSES_SECONDS = (0.5, 2.0)
"""Before the second and third attempt."""
_WORDS = 300
_PERMISSION = "give the job `permissions: {id-token: write}`; runs of a fork get no token"
_ALLOW = "let `tokens.allow` of the server's policy name this repository, ref and environment"


class ServerUnreachable(Exception):  # noqa: N818  (it becomes `store-unavailable`)
    """Nobody answered, or not as a gate does."""


class ServerRefused(Exception):  # noqa: N818
    """The server, or GitHub's token service, does not take our request; says how to mend it."""


class IdentityService(msgspec.Struct, frozen=True):
    """Where GitHub gives a job its token, and the secret that asks for it."""

    url: str
    secret: str

    def __repr__(self) -> str:
        return "IdentityService(…)"


def identity_service(environ: Mapping[str, str]) -> IdentityService | None:
    """GitHub's token service for this job; None where the job has no permission for it."""
    url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    secret = environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    return IdentityService(url, secret) if url and secret else None


class GateServer:
    """A server's ``POST /api/v1/decisions``."""

    def __init__(
        self,
        url: str,
        identity: IdentityService | None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url + _PATH
        self._identity = identity
        self._pause = pause
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"saturday-gate/{__version__}"

    def __enter__(self) -> "GateServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def decide(self, request: Request) -> Decision:
        """The server's decision on a request at the present moment.

        Raises `ServerUnreachable` and `ServerRefused`.
        """
        headers = {"Content-Type": "application/json"}
        if self._identity is not None:
            headers["Authorization"] = f"Bearer {self._token(self._identity)}"
        body = msgspec.json.encode(request)
        status, answer = self._asked("POST", self._url, headers, body, "the server")
        if status in {401, 403}:
            cause = f"the server refuses this job ({status}{_detail(answer)})"
            mend = _ALLOW if self._identity is not None else _PERMISSION
            raise ServerRefused(f"{cause}: {mend}")
        if status != 200:
            raise ServerRefused(
                f"the server answers {status}{_detail(answer)}: check the input `server`"
            )
        return _decision(answer, request)

    def _token(self, identity: IdentityService) -> str:
        joint = "&" if "?" in identity.url else "?"
        status, answer = self._asked(
            "GET",
            f"{identity.url}{joint}audience={AUDIENCE}",
            {"Authorization": f"Bearer {identity.secret}"},
            None,
            "GitHub's token service",
        )
        value = _object(answer).get("value")
        if status != 200 or not isinstance(value, str) or not _is_token(value):
            raise ServerRefused(f"GitHub gives this job no token ({status}): {_PERMISSION}")
        return value

    def _asked(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, who: str
    ) -> tuple[int, bytes]:
        """Status and body; asked again where nobody answers or the answer says to come back."""
        why = ""
        for pause in (*_PAUSES_SECONDS, None):
            try:
                status, answer = self._once(method, url, headers, body)
                if status < 500 and status not in {408, 429}:
                    return status, answer
                why = f"it answers {status}{_detail(answer)}"
            except (requests.RequestException, ValueError) as error:
                why = _cause(error)
            if pause is not None:
                self._pause(pause)
        raise ServerUnreachable(f"{who} cannot be used: {why}")

    def _once(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        started = time.monotonic()
        with self._session.request(
            method,
            url,
            headers=headers,
            data=body,
            timeout=_TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
            auth=_as_given,
        ) as response:
            left = _LONGEST_SECONDS - (time.monotonic() - started)
            pieces = response.iter_content(1 << 16)
            try:
                content = gathered(pieces, _LARGEST_ANSWER_BYTES, left, time.monotonic)
            except BeyondBoundsError:
                raise ValueError("its answer does not end") from None
            return response.status_code, content


def _as_given(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep ``requests`` from replacing our header by what a ``.netrc`` says."""
    return prepared


def _cause(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return plain(str(error))[:_WORDS]


def _decision(answer: bytes, request: Request) -> Decision:
    try:
        decision = msgspec.json.decode(answer, type=Decision)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ServerUnreachable(
            f"the server answers what is no decision: {plain(str(error))[:_WORDS]}"
        ) from None
    asked, got = (
        (r.action, r.environment, r.namespace, r.service) for r in (request, decision.request)
    )
    if asked != got:
        raise ServerUnreachable("the server answers about another change")
    if any(instant.tzinfo is None for instant in _instants(decision)):
        raise ServerUnreachable("the server answers with an instant that has no offset")
    if decision.verdict is Verdict.ALLOW and decision.effect is not Effect.ALLOW:
        raise ServerUnreachable("the server answers with a verdict and an effect that disagree")
    if decision.verdict is Verdict.UNDECIDED and decision.effect is Effect.ALLOW:
        raise ServerUnreachable("the server answers with a verdict and an effect that disagree")
    return decision


def _instants(decision: Decision) -> Iterator[datetime]:
    spans = ((reason.start, reason.end) for reason in decision.reasons)
    used = decision.override.until if decision.override is not None else None
    own = (decision.at, decision.locked_from, decision.locked_until, decision.next_change, used)
    for instant in (*own, *(edge for span in spans for edge in span)):
        if isinstance(instant, datetime):
            yield instant


def _detail(answer: bytes) -> str:
    """What a problem document (RFC 9457) says, or nothing."""
    content = _object(answer)
    said = content.get("detail") or content.get("title")
    return f", {plain(said)[:_WORDS]}" if isinstance(said, str) else ""


def _object(answer: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_token(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value and value != ""
