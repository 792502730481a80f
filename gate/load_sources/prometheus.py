"""Load as a Prometheus server sees it, through its HTTP API (v1).

An instant query tells the load now, by the labels that the policy names; a range query, summed over
all series, what was seen before. Every answer is bounded in size and in time.
"""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
import requests

from gate.core.bounded import BeyondBoundsError, gathered
from gate.core.instants import SECOND
from gate.core.observed import Observation
from gate.core.policy import ObservedRules, PrometheusSource
from gate.core.printable import plain
from gate.load_sources.port import Reading, SourceFailedError, parted, units_of

STEP_SECONDS = 60
"""Time between two values of a range."""
_MOST_STEPS = 10_000
"""Values asked for at once; Prometheus gives 11 000 at the most."""
MOST_BYTES = 16 << 20
_CONNECT_SECONDS, _READ_SECONDS, _ALL_SECONDS = 2.0, 4.0, 8.0
_PIECE_BYTES = 1 << 15
_TOKEN = re.compile(r"[\x21-\x7e]+")


class _Series(msgspec.Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] | None = None


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error: str = ""


class _Bearer(requests.auth.AuthBase):
    """Sends the token, and keeps a netrc file from sending anything else."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Prometheus:
    """A `LoadSource`. ``token`` is sent as a bearer token, where there is one."""

    name: Literal["prometheus"] = "prometheus"

    def __init__(
        self,
        source: PrometheusSource,
        rules: ObservedRules,
        cultures: frozenset[str],
        token: str | None = None,
    ) -> None:
        """Raises `SourceFailedError` for a token that no header can hold; it is not told."""
        if token is not None and not _TOKEN.fullmatch(token):
            raise SourceFailedError("the token holds characters that no HTTP header can hold")
        self._source = source
        self._units_per_value = rules.units_per_value
        self._cultures = cultures
        self._auth = _Bearer(token)

    def latest(self, now: int) -> Reading:
        """The load as of ``now``, by the labels that the policy names."""
        fields = {"query": self._source.query, "time": _seconds(now)}
        result = self._result("query", fields, "vector")
        values = []
        for series in result:
            if series.value is None:
                raise SourceFailedError("the query gives histograms; it must give numbers")
            units = units_of(series.value[1], self._units_per_value)
            if units is not None:
                values.append((*self._labels(series.metric), units))
        return Reading(at=now, parts=parted(values, self._cultures))

    def between(self, first: int, last: int) -> tuple[Observation, ...]:
        """The whole load on every full minute of [first, last]."""
        step = STEP_SECONDS * SECOND
        begin, end = -(-first // step) * step, last // step * step
        most = _MOST_STEPS * step
        return tuple(
            observation
            for piece in range(begin, end + 1, most)
            for observation in self._range(piece, min(piece + most - step, end))
        )

    def _range(self, begin: int, end: int) -> Iterator[Observation]:
        fields = {
            # On lines of its own: the query may end in a comment.
            "query": f"sum(\n{self._source.query}\n)",
            "start": _seconds(begin),
            "end": _seconds(end),
            "step": str(STEP_SECONDS),
        }
        for series in self._result("query_range", fields, "matrix"):
            for at, text in series.values or ():
                units = units_of(text, self._units_per_value)
                if units is not None:
                    yield Observation(round(at * SECOND), units)

    def _labels(self, metric: dict[str, str]) -> tuple[str | None, str | None]:
        source = self._source
        zone = metric.get(source.zone_label) if source.zone_label else None
        return zone, metric.get(source.culture_label) if source.culture_label else None

    def _result(self, path: str, fields: dict[str, str], wanted: str) -> list[_Series]:
        answer = self._ask(path, fields)
        if answer.status != "success" or answer.data is None:
            raise SourceFailedError(f"Prometheus refuses: {plain(answer.error[:300])}")
        if answer.data.result_type != wanted:
            kind = plain(answer.data.result_type[:40])
            raise SourceFailedError(
                f"the query gives a {kind}; it must give an instant vector, as vector(…) does"
            )
        try:
            return msgspec.json.decode(answer.data.result, type=list[_Series])
        except msgspec.MsgspecError as error:
            raise SourceFailedError(f"Prometheus answers what is no {wanted}: {error}") from None

    def _ask(self, path: str, fields: dict[str, str]) -> _Answer:
        url = f"{self._source.url.rstrip('/')}/api/v1/{path}"
        given = {**fields, "timeout": f"{_ALL_SECONDS:g}s"}
        try:
            body, status = self._post(url, given)
        except BeyondBoundsError as error:
            raise SourceFailedError(f"{url} answers {error}") from None
        except (requests.RequestException, OSError) as error:
            raise SourceFailedError(f"{url} cannot be reached: {_why(error)}") from None
        try:
            return msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise SourceFailedError(f"{url} answers {status}, and not as Prometheus does") from None

    def _post(self, url: str, fields: dict[str, Any]) -> tuple[bytes, int]:
        with requests.Session() as session:
            session.trust_env = urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1")
            answer = session.post(
                url, data=fields, auth=self._auth, timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False, stream=True, headers={"Accept": "application/json"},
            )  # fmt: skip
            with closing(answer):
                body = gathered(
                    answer.iter_content(_PIECE_BYTES), MOST_BYTES, _ALL_SECONDS, time.monotonic
                )
                return body, answer.status_code


def _seconds(instant: int) -> str:
    return f"{Fraction(instant, SECOND) * 1_000 // 1 / 1_000:.3f}"


def _why(error: Exception) -> str:
    """The innermost cause: those around it repeat addresses and objects."""
    while isinstance(inner := error.__cause__ or error.__context__, Exception):
        error = inner
    if isinstance(error, requests.Timeout | TimeoutError):
        return "it does not answer in time"
    said = str(getattr(error, "strerror", None) or error)
    return plain(f"{type(error).__name__}: {said}"[:200])
