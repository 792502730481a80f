"""The feed: everything to whoever connects, then what changes; nobody waits for another."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gate.core.decision import Approval, ManualLock, Override
from gate.core.policy import Action, Scope
from gate.service import feed
from gate.service.feed import (
    Inputs,
    Message,
    Shipping,
    Templates,
    address,
    decode,
    encode,
)
from gate.service.keeper.server import FeedServer
from gate.service.keeper.told import TEMPLATES_A_MESSAGE
from tests.service.listening import listening
from tests.service.until import until

NOON = datetime(2026, 6, 13, 12, tzinfo=UTC)
LOCK = ManualLock(
    id="1",
    start=NOON,
    end=None,
    by="alice",
    reason="the marquee is on fire",
    scope=Scope(environments=("prod*",)),
    actions=(Action.DEPLOY, Action.SCALE_DOWN),
)
OVERRIDE = Override(
    id="2",
    by="bob",
    roles=("sre-lead",),
    reason="the payment page is down",
    granted_at=NOON,
    until=NOON.replace(hour=14),
    approvals=(Approval(by="carol", at=NOON, roles=("sre",)),),
)
INPUTS = Inputs(
    policy_path="/state/policy.yaml", locks=(LOCK,), overrides=(OVERRIDE,), read_at=NOON
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.sock"


@pytest.fixture
def server(path: Path) -> Iterator[FeedServer]:
    made = FeedServer(path)
    made.start()
    yield made
    made.stop()


def entries(count: int, first: int = 0) -> tuple[tuple[str, str, str], ...]:
    return tuple((f"k{n}", f"owner-{n % 7}", f"digest-{n}") for n in range(first, first + count))


@pytest.mark.parametrize(
    "message",
    [
        INPUTS,
        Inputs(trouble="gone\nand away"),
        Templates(reset=True, added=entries(3), removed=("a",), trouble="no"),
        Shipping(depth_records=3, depth_bytes=9, oldest_seconds=0.25, shipped_total=12),
    ],
)
def test_a_message_is_one_line_and_comes_back(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == message
    assert json.loads(line)["type"] == type(message).__name__.lower()


def test_only_freshness_and_trouble_change_no_decision() -> None:
    later = Inputs(
        policy_path="/state/policy.yaml",
        locks=(LOCK,),
        overrides=(OVERRIDE,),
        read_at=NOON.replace(hour=13),
        trouble="away",
    )
    assert INPUTS.decides_as(later)
    assert not INPUTS.decides_as(Inputs(locks=(LOCK,)))


def test_whoever_comes_later_is_told_everything(server: FeedServer, path: Path) -> None:
    many = entries(2 * TEMPLATES_A_MESSAGE + 1)
    server.publish(Inputs(trouble="not yet"))
    server.publish(INPUTS)
    server.publish(Templates(reset=True, added=entries(5, first=9_000)))
    server.publish(Templates(reset=True, added=many))
    server.publish(Templates(removed=("k0",), added=(("k1", "owner-1", "new"),)))
    server.publish(Templates(synced=True))
    server.publish(Shipping(shipped_total=4))
    with listening(path) as heard:
        until(lambda: heard.about is not None and heard.about.synced)
        assert heard.inputs == INPUTS
        assert heard.shipping == Shipping(shipped_total=4)
        expected = {key: (owner, digest) for key, owner, digest in many[1:]}
        assert heard.templates == expected | {"k1": ("owner-1", "new")}
        # Not before the last of them may it be taken for whole.
        told = [m for m in heard.messages if isinstance(m, Templates)]
        assert [m.synced for m in told] == [False, False, True]
        assert [m.reset for m in told] == [True, False, False]


def test_what_an_earlier_keeper_told_stays_until_there_is_better(path: Path) -> None:
    """The keeper starts anew while the API server is away."""
    with listening(path) as heard:
        for told, left in (
            ([Templates(reset=True, added=entries(3)), Templates(synced=True)], 3),
            ([Templates(), Templates(trouble="the API server is away")], 3),
            ([Templates(reset=True, added=entries(1)), Templates(synced=True)], 1),
        ):
            keeper = FeedServer(path)
            keeper.start()
            for message in told:
                keeper.publish(message)
            last = told[-1]
            until(lambda last=last: heard.about and heard.about.trouble == last.trouble)  # type: ignore[misc]
            until(lambda last=last: heard.about and heard.about.synced == last.synced)  # type: ignore[misc]
            assert len(heard.templates) == left
            keeper.stop()
            until(lambda: not heard.client.connected)


def test_changes_reach_everyone_in_order(server: FeedServer, path: Path) -> None:
    with listening(path) as one, listening(path) as two:
        until(lambda: one.client.connected and two.client.connected)
        for total in range(200):
            server.publish(Shipping(shipped_total=total))
        for heard in (one, two):
            until(lambda heard=heard: heard.shipping.shipped_total == 199)  # type: ignore[misc]
            totals = [m.shipped_total for m in heard.messages if isinstance(m, Shipping)]
            assert totals == sorted(totals)


def test_a_client_finds_the_next_keeper_and_keeps_what_it_knows(path: Path) -> None:
    with listening(path) as heard:
        first = FeedServer(path)
        first.start()
        first.publish(INPUTS)
        until(lambda: heard.inputs == INPUTS)
        first.stop()
        until(lambda: not heard.client.connected)
        assert heard.inputs == INPUTS
        assert not path.exists()
        second = FeedServer(path)
        second.start()
        second.publish(Inputs(trouble="second"))
        until(lambda: heard.inputs.trouble == "second", seconds=3)
        second.stop()


def test_what_was_read_outdoes_what_was_left_on_disk(path: Path) -> None:
    """The keeper was killed after it had told a lock and before that was on disk."""
    older = Inputs(read_at=NOON.replace(hour=13), restored=True, trouble="the database is away")
    with listening(path) as heard:
        for told, expected in (
            (older, older),
            (INPUTS, INPUTS),
            (older, msgspec.structs.replace(INPUTS, trouble="the database is away")),
            (Inputs(read_at=NOON), Inputs(read_at=NOON)),
        ):
            keeper = FeedServer(path)
            keeper.start()
            keeper.publish(told)
            until(lambda expected=expected: heard.inputs == expected)  # type: ignore[misc]
            assert heard.messages[-1] == expected
            keeper.stop()


def test_a_new_keeper_takes_the_place_of_a_socket_that_was_left(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    server = FeedServer(path)
    server.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.publish(INPUTS)
    with listening(path) as heard:
        until(lambda: heard.inputs == INPUTS)
    later = FeedServer(path)
    later.start()
    server.stop()
    # The socket is the later one's: the earlier one must leave it.
    assert path.exists()
    later.stop()
    assert os.listdir(path.parent) == []


def test_a_subscriber_that_does_not_read_holds_nobody_up(path: Path) -> None:
    server = FeedServer(path, most_waiting_bytes=200_000)
    server.start()
    stuck = socket.socket(socket.AF_UNIX)
    stuck.connect(str(path))
    with listening(path) as heard:
        until(lambda: heard.client.connected)
        for total in range(1, 3001):
            server.publish(Shipping(shipped_total=total, trouble="x" * 500))
        until(lambda: heard.shipping.shipped_total == 3000)
        # It is cut off while the one that reads is served to the end.
        stuck.settimeout(10)
        received = bytearray()
        while piece := stuck.recv(1 << 20):
            received += piece
        lines = bytes(received).split(b"\n")
        assert 0 < len(lines) < 3000
    stuck.close()
    server.stop()


def test_bad_lines_and_failing_handlers_end_nothing(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def fail(message: Message) -> None:
        if message == INPUTS:
            raise RuntimeError("a defect of the worker")

    with listening(path, also=fail) as heard:
        connection, _ = listener.accept()
        lines = [b"{", b'{"type":"other"}', b'{"type":"inputs","locks":3}', b"\xff\xfe", b""]
        connection.sendall(b"\n".join(lines) + b"\n" + encode(INPUTS))
        connection.sendall(encode(Shipping(shipped_total=1)))
        until(lambda: heard.shipping.shipped_total == 1)
        assert heard.inputs == INPUTS
        connection.close()
        connection, _ = listener.accept()
        # Half a line is no message.
        connection.sendall(encode(Shipping(shipped_total=2))[:-5])
        connection.close()
        connection, _ = listener.accept()
        assert heard.shipping.shipped_total == 1
        connection.close()
    listener.close()
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert events.count("feed-line-unreadable") == len(lines)
    assert events.count("feed-handler-failed") == 1


def test_a_socket_far_down_the_tree_is_reached(tmp_path: Path) -> None:
    path = tmp_path.joinpath(*["d" * 60] * 3, "feed.sock")
    path.parent.mkdir(parents=True)
    with address(path) as name:
        assert len(name) < 100
    server = FeedServer(path)
    server.start()
    server.publish(INPUTS)
    with listening(path) as heard:
        until(lambda: heard.inputs == INPUTS)
    server.stop()


def test_a_line_that_is_too_long_is_not_sent(
    server: FeedServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate.service.keeper.server.LONGEST_LINE_BYTES", 1000)
    with listening(path) as heard:
        server.publish(Inputs(trouble="x" * 1000))
        server.publish(INPUTS)
        until(lambda: heard.client.inputs is not None)
        assert heard.messages == [INPUTS]


def test_after_its_end_nothing_is_published(path: Path) -> None:
    server = FeedServer(path)
    server.start()
    server.stop()
    server.publish(INPUTS)
    server.stop()


def test_a_line_without_an_end_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LONGEST_LINE_BYTES", 100_000)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with listening(path) as heard:
        endless, _ = listener.accept()
        with suppress(OSError):
            endless.sendall(b"x" * 1_000_000)
        connection, _ = listener.accept()
        connection.sendall(encode(INPUTS))
        until(lambda: heard.inputs == INPUTS)
        connection.close()
        endless.close()
    listener.close()


def test_a_worker_loads_no_driver_with_it() -> None:
    code = "import sys, gate.service.feed; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"psycopg", "kubernetes", "yaml", "pydantic", "urllib3"})
