"""How long a run tries, and how quietly."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes.client import ApiException
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ProtocolError

from gate.service.keeper.kube import ClusterUnavailable, Refused
from gate.service.scaling.calls import Caller, Patience


class Clock:
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def refused(status: int, **headers: str) -> ApiException:
    error = ApiException(status=status, reason="no")
    error.headers = HTTPHeaderDict({key.replace("_", "-"): text for key, text in headers.items()})
    return error


def caller(clock: Clock, **patience: Any) -> Caller:
    return Caller(
        Patience(**patience), monotonic=clock.monotonic, wait=clock.wait, share=lambda: 1.0
    )


def failing(*errors: Exception) -> Callable[[], str]:
    left: Iterator[Exception] = iter(errors)

    def call() -> str:
        for error in left:
            raise error
        return "answer"

    return call


@pytest.mark.parametrize(
    "error", [refused(429), refused(500), refused(503), refused(504), ProtocolError("cut")]
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    clock = Clock()
    call = caller(clock)
    assert call("list", failing(error, error)) == "answer"
    assert (call.calls, len(clock.waits)) == (3, 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_what_will_not_pass_is_not(status: int) -> None:
    clock = Clock()
    with pytest.raises(Refused, match=str(status)):
        caller(clock)("list", failing(refused(status)))
    assert clock.waits == []


def test_the_pause_that_is_asked_for_holds_for_every_call() -> None:
    clock = Clock()
    call = caller(clock)
    call("list", failing(refused(429, Retry_After="7")))
    assert 7 <= sum(clock.waits) < 8
    before = sum(clock.waits)
    call("list", failing())
    assert sum(clock.waits) == before


def test_a_busy_server_is_given_up_after_its_time() -> None:
    clock = Clock()
    with pytest.raises(Refused):
        caller(clock, busy=20)("list", failing(*[refused(429, Retry_After="1")] * 100))
    assert 20 <= clock.now - 1000 < 25


def test_one_error_is_not_asked_for_again_and_again() -> None:
    clock = Clock()
    call = caller(clock, errors=3)
    with pytest.raises(Refused):
        call("patch", failing(*[refused(500)] * 9))
    assert call.calls == 3


def test_a_server_that_is_gone_is_given_up_once_for_all_calls() -> None:
    clock = Clock()
    call = caller(clock, unreachable=8)
    cut = ProtocolError("cut")
    with pytest.raises(ClusterUnavailable, match="cannot patch: cut"):
        call("patch", failing(*[cut] * 100))
    took, calls = clock.now, call.calls
    assert 8 <= took - 1000 < 12
    with pytest.raises(ClusterUnavailable):
        call("patch", failing())
    assert (clock.now, call.calls) == (took, calls)
    clock.now += 8
    assert call("patch", failing()) == "answer"


def test_an_answer_to_anybody_begins_the_time_anew() -> None:
    clock = Clock()
    call, cut = caller(clock, unreachable=8), ProtocolError("cut")
    for _ in range(5):
        assert call("patch", failing(*[cut] * 4)) == "answer"
    assert clock.now - 1000 > 8 + 3


def test_a_run_that_is_stopped_waits_for_nothing() -> None:
    call = Caller(share=lambda: 1.0)

    def refuse() -> None:
        call.stop()
        raise refused(429, Retry_After="50")

    with pytest.raises(ClusterUnavailable, match="told to stop"):
        call("list", refuse)
    assert call.calls <= 2
