"""What the informer does where the API server, or what it says, is odd."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gate.service.feed import Templates
from gate.service.informer import NO_CLUSTER
from gate.service.keeper.reflector import Watching, difference
from gate.service.keeper.templates import TemplateBoard
from tests.service.api_server import Answer, answering
from tests.service.informing import informing
from tests.service.listening import Heard
from tests.service.until import until

QUICK = Watching(
    connect=1.0, answer=2.0, silence=2.0, first_retry=0.05, longest_retry=0.2, refused_retry=0.1
)


def holder(uid: str, image: str = "web:1", **more: Any) -> dict[str, Any]:
    """As a ReplicaSet and as a ControllerRevision at once: what is not theirs is passed over."""
    spec = {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}
    reference = {"uid": f"owner-of-{uid}", "controller": True}
    metadata = {"uid": uid, "ownerReferences": [reference], "resourceVersion": "7", **more}
    return {"metadata": metadata, "spec": spec, "data": {"spec": spec}}


def page(*items: Any, version: str = "5", more: str = "") -> Answer:
    metadata = {"resourceVersion": version, "continue": more}
    return 200, {}, [json.dumps({"metadata": metadata, "items": items or None}).encode()]


def events(*each: tuple[str, Any]) -> Answer:
    lines = [json.dumps({"type": kind, "object": about}).encode() + b"\n" for kind, about in each]
    return 200, {}, lines


def synced(heard: Heard) -> bool:
    return heard.about is not None and heard.about.synced and heard.about.trouble is None


def trouble(heard: Heard) -> str:
    return (heard.about.trouble if heard.about is not None else None) or ""


def test_without_a_cluster_it_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with informing(None, tmp_path) as heard:
        until(lambda: trouble(heard) == NO_CLUSTER)
        assert not synced(heard)
    assert capfd.readouterr().err.count("no-cluster") == 1


def test_events_change_what_is_known(tmp_path: Path) -> None:
    def answer(kind: str, watch: bool, before: int) -> Answer:
        if kind == "controllerrevisions":
            return events() if watch else page()
        if not watch:
            return page(holder("a"), holder("b"), holder("c"), {"metadata": {}}, 7, None)
        if before:
            return events()
        return events(
            ("ADDED", holder("d")),
            ("MODIFIED", holder("a", image="web:2")),
            ("MODIFIED", holder("b", ownerReferences=[])),
            ("DELETED", holder("c")),
            ("DELETED", holder("unheard-of")),
            ("ADDED", {"metadata": {"resourceVersion": "9"}}),
            ("BOOKMARK", {"metadata": {"resourceVersion": "12"}}),
        )

    with (
        answering(tmp_path, answer) as (kubeconfig, _),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: set(heard.templates) == {"a", "d"} and synced(heard))
        assert heard.templates["a"][0] == "owner-of-a"
        assert heard.templates["a"][1] != heard.templates["d"][1]


def test_what_comes_before_an_error_is_told_too(tmp_path: Path) -> None:
    """In one piece with it: the list that follows tells differences only."""
    last = holder("b")

    def answer(kind: str, watch: bool, before: int) -> Answer:
        if watch:
            gone = ("ERROR", {"code": 410, "message": "too old"})
            return events() if before else events(("ADDED", last), ("DELETED", holder("a")), gone)
        return page(last if before else holder("a"))

    with (
        answering(tmp_path, answer) as (kubeconfig, _),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: set(heard.templates) == {"b"})


@pytest.mark.parametrize(
    "odd",
    [
        events(("ERROR", {"code": 410, "message": "too old"})),
        events(("ERROR", {"code": 500})),
        (200, {}, [b'{"type":"ADDED","object":{"meta']),
        (200, {}, [b"no JSON\n"]),
        (200, {}, [b'{"type":"ADDED"}\n']),
        (200, {}, [b'{"type":"ADDED","object":[]}\n']),
        (410, {}, [b""]),
        (500, {}, [b"\xff"]),
        (504, {}, [b'{"message":"Too large resource version"}']),
        (429, {"Retry-After": "0"}, [b""]),
        (401, {}, [b"Unauthorized"]),
        (302, {"Location": "http://127.0.0.1:1/"}, [b""]),
    ],
)
def test_a_watch_that_ends_oddly_is_begun_again(tmp_path: Path, odd: Answer) -> None:
    def answer(kind: str, watch: bool, before: int) -> Answer:
        if not watch:
            return page(holder(f"{kind}-{before}"))
        return events(("ADDED", holder(f"{kind}-last"))) if before >= 3 else odd

    with (
        answering(tmp_path, answer) as (kubeconfig, _),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: "replicasets-last" in heard.templates)
        until(lambda: "controllerrevisions-last" in heard.templates and synced(heard))


@pytest.mark.parametrize(
    "odd",
    [
        (200, {}, [b"not JSON"]),
        (200, {}, [b'{"items":[]}']),
        (200, {}, [b'{"metadata":{"resourceVersion":"1"},"items":7}']),
        (403, {}, [b'{"message":"may not"}']),
        (503, {}, [b""]),
        (200, {"Content-Length": "1000"}, [b"{"]),
    ],
)
def test_a_list_that_cannot_be_read_is_asked_for_again(tmp_path: Path, odd: Answer) -> None:
    def answer(kind: str, watch: bool, before: int) -> Answer:
        if watch:
            return events()
        return page(holder(kind)) if before >= 2 else odd

    with (
        answering(tmp_path, answer) as (kubeconfig, _),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: trouble(heard))
        until(lambda: set(heard.templates) == {"replicasets", "controllerrevisions"})
        until(lambda: synced(heard))


def test_a_list_that_expires_between_its_pages_begins_anew(tmp_path: Path) -> None:
    def answer(kind: str, watch: bool, before: int) -> Answer:
        if watch or kind == "controllerrevisions":
            return events() if watch else page()
        first = page(holder("a"), more="token")
        expired: Answer = (410, {}, [b""])
        return [first, expired, first, page(holder("b"))][min(before, 3)]

    with (
        answering(tmp_path, answer) as (kubeconfig, _),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: set(heard.templates) == {"a", "b"} and synced(heard))


@pytest.mark.parametrize("status", [200, 429, 403, 500])
def test_no_answer_makes_it_ask_without_a_pause(tmp_path: Path, status: int) -> None:
    """A second of watches that end at once, or are refused."""

    def answer(kind: str, watch: bool, before: int) -> Answer:
        return (status, {}, [b""]) if watch else page()

    with (
        answering(tmp_path, answer) as (kubeconfig, asked),
        informing(kubeconfig, tmp_path, watching=QUICK),
    ):
        until(lambda: asked.all)
        began = time.monotonic()
        until(lambda: time.monotonic() - began > 1)
        count = len(asked.all)
    # Two kinds, at the pauses of `QUICK`, with a list before a watch at the most.
    assert 4 <= count <= 60


def test_a_pause_that_the_server_asks_for_is_kept(tmp_path: Path) -> None:
    def answer(kind: str, watch: bool, before: int) -> Answer:
        if watch or before:
            return events() if watch else page()
        return 429, {"Retry-After": "1"}, [b""]

    with (
        answering(tmp_path, answer) as (kubeconfig, asked),
        informing(kubeconfig, tmp_path, watching=QUICK) as heard,
    ):
        until(lambda: synced(heard))
    times = [at for at, kind, watch in asked.all if (kind, watch) == ("replicasets", False)]
    assert times[1] - times[0] >= 1


def entry(name: str) -> tuple[str, str, str]:
    return name, f"owner-{name}", "digest"


def test_nothing_is_voided_before_there_is_better() -> None:
    """A worker may know from an earlier keeper what this one has yet to learn."""
    told: list[Templates] = []
    board = TemplateBoard(["one", "two"], told.append)
    board.trouble("one", "it is away")
    assert [each.reset for each in told] == [False]
    board.listed("two", [entry("a"), entry("b")], [])
    board.changed([entry("c")], ["a"])
    # The first kind is known to be in trouble: what the second one has is told without it.
    assert [each.reset for each in told].count(True) == 1
    assert not any(each.synced for each in told)
    board.listed("one", [entry(str(number)) for number in range(1200)], [])
    assert told[-1] == Templates(synced=True)
    added = [each for message in told for each in message.added]
    assert {key for key, _, _ in added} == {"a", "b", "c", *map(str, range(1200))}
    assert max(len(each.added) for each in told) <= 500
    assert [key for each in told for key in each.removed] == ["a"]


def test_changes_before_the_first_telling_are_told_with_it() -> None:
    told: list[Templates] = []
    board = TemplateBoard(["one", "two"], told.append)
    board.listed("one", [entry("a"), entry("b")], [])
    board.changed([entry("c")], ["a"])
    assert not any(each.added or each.reset for each in told)
    board.listed("two", [], [])
    assert {key for each in told for key, _, _ in each.added} == {"b", "c"}
    assert told[-1].synced


def test_the_difference_of_two_lists() -> None:
    before = {name: entry(name) for name in "abc"}
    after = {"a": entry("a"), "b": ("b", "owner-b", "other"), "d": entry("d")}
    assert difference(before, after) == ([after["b"], after["d"]], ["c"])
