"""A real Prometheus, asked for load."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import pytest

from gate.core.instants import HOUR
from gate.core.observed import effective
from gate.core.policy import Policy
from gate.load_sources.opening import TOKEN_VARIABLE, look_once, source_of
from gate.load_sources.port import LoadSource, Part, Reading, SourceFailedError
from gate.load_sources.prometheus import MOST_BYTES
from tests.core.build import calendar
from tests.observed.build import MINUTE, observing
from tests.observed.conftest import NOON


def asking(url: str, query: str = "guests", more: str = "") -> Policy:
    text = f"source: prometheus, url: {url}, query: '{query}'{more}"
    return observing("", f"  observed: {{{text}}}\n")


def source(url: str, query: str = "guests", more: str = "", token: str = "") -> LoadSource:
    return source_of(asking(url, query, more), {TOKEN_VARIABLE: token})


@pytest.mark.prometheus
def test_it_tells_the_load_by_zone_and_culture(prometheus: str) -> None:
    labels = ", zone_label: zone, culture_label: culture, units_per_value: 0.5"
    assert source(prometheus, more=labels).latest(NOON) == Reading(
        at=NOON,
        parts=(
            Part(zone="Asia/Kolkata", culture="indian", units=Fraction(50)),
            Part(zone="Europe/London", culture="british", units=Fraction(150)),
        ),
    )
    whole = source(prometheus).latest(NOON)
    assert whole.parts == (Part(units=Fraction(400)),)


@pytest.mark.prometheus
def test_zones_and_cultures_that_nobody_knows_still_count(prometheus: str) -> None:
    labels = ", zone_label: zone, culture_label: culture"
    reading = source(prometheus, "odd", labels).latest(NOON)
    assert reading.parts == (
        Part(units=Fraction(7)),
        Part(zone="Asia/Kolkata", culture="indian", units=Fraction(1, 4)),
    )


@pytest.mark.prometheus
def test_it_tells_what_was_before_minute_by_minute(prometheus: str) -> None:
    observations = source(prometheus, "guests # all of them").between(NOON - 3 * HOUR, NOON)
    assert [each.at for each in observations] == list(range(NOON - 3 * HOUR, NOON + 1, MINUTE))
    values = {each.at: float(each.units) for each in observations}
    assert (values[NOON - 2 * HOUR], values[NOON - 2 * HOUR - MINUTE]) == (1300, 400)
    assert source(prometheus).between(NOON - 40 * 24 * HOUR, NOON - 39 * 24 * HOUR) == ()
    assert source(prometheus).between(NOON + 1, NOON + 2) == ()


@pytest.mark.prometheus
def test_whoever_asks_first_in_the_middle_of_a_window_knows_what_was_raised(
    prometheus: str,
) -> None:
    rules = asking(prometheus)
    booked = calendar(rules)
    found = effective(rules, booked, look_once(rules, booked, NOON, {}))
    assert found.facts.state == "fresh"
    assert (found.facts.trouble, found.facts.latest) == (
        None,
        source(prometheus).latest(NOON).total,
    )
    standing = found.facts.standing(NOON)
    assert standing is not None
    assert (float(standing.observation.units), standing.observation.at) == (1300, NOON - 2 * HOUR)
    assert standing.until == NOON + 12 * HOUR


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("negative", "'-1' is no load"),
        ("infinite", "'+Inf' is no number"),
        ("guests[5m]", "the query gives a matrix"),
        ("1 + 1", "the query gives a scalar"),
        ("sum(", "Prometheus refuses: invalid parameter"),
    ],
)
def test_what_is_no_load_is_said(prometheus: str, query: str, said: str) -> None:
    with pytest.raises(SourceFailedError, match=said.replace("+", r"\+")):
        source(prometheus, query).latest(NOON)


@pytest.mark.prometheus
def test_a_query_that_finds_nothing_is_no_error(prometheus: str) -> None:
    asked = source(prometheus, "nothing_of_this_name")
    assert (asked.latest(NOON).total, asked.between(NOON - HOUR, NOON)) == (None, ())


class _Odd(http.server.BaseHTTPRequestHandler):
    """Answers what no Prometheus answers."""

    status, body, seen = 200, b"", dict[str, str]()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        type(self).seen = {**dict(self.headers), "body": self.rfile.read(length).decode()}
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def odd(status: int, body: bytes) -> Iterator[tuple[str, type[_Odd]]]:
    handler = type("Handler", (_Odd,), {"status": status, "body": body})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/team/", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


VECTOR = {"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {}]}]}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (502, b"<html>Bad gateway</html>", "answers 502, and not as Prometheus does"),
        (302, b"", "answers 302"),
        (200, b"[]", "answers 200, and not as"),
        (200, b"\xff", "answers 200, and not as"),
        (200, b"x" * (MOST_BYTES + 1), f"answers more than {MOST_BYTES} bytes"),
        (200, json.dumps({"status": "success", "data": VECTOR}).encode(), "gives histograms"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":7}}', "no vector"),
        (422, b'{"status":"error","error":"too \\u0007 much"}', r"refuses: too \\x07 much"),
    ],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_said(status: int, body: bytes, said: str) -> None:
    with odd(status, body) as (url, _), pytest.raises(SourceFailedError, match=said):
        source(url).latest(NOON)


def test_the_token_is_sent_and_never_told() -> None:
    body = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    with odd(200, body) as (url, handler):
        source(url, token="s3cret").latest(NOON)
        assert handler.seen["Authorization"] == "Bearer s3cret"
        assert handler.seen["body"].startswith("query=guests&time=1771070400.000&timeout=8s")
        source(url).latest(NOON)
        assert "Authorization" not in handler.seen
    with pytest.raises(SourceFailedError) as refused:
        source("http://127.0.0.1:1", token="s3c\nret")
    assert "s3c" not in str(refused.value)


def test_a_server_that_is_away_or_silent_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SourceFailedError, match="does not answer in time"):
            source(f"http://127.0.0.1:{port}").latest(NOON)
    with pytest.raises(SourceFailedError, match=r"/api/v1/query cannot be reached: .*refused"):
        source(f"http://127.0.0.1:{port}").latest(NOON)


def test_the_bookings_stand_where_it_cannot_be_asked() -> None:
    rules = asking("http://127.0.0.1:1")
    seen = look_once(rules, calendar(rules), NOON, {})
    assert seen.observations == ()
    assert "cannot be reached" in str(seen.trouble)
    found = effective(rules, calendar(rules), seen)
    assert (found.facts.state, found.facts.trouble) == ("failed", seen.trouble)
