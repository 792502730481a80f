"""The keeper as a process: what it is told, how it ends, what it leaves."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import psycopg
import pytest

from gate.core.problems import InputError
from gate.service.informer import NO_CLUSTER
from gate.service.keeper.background import NICENESS
from gate.service.keeper.child import ENDED, Background
from gate.service.keeper.config import read_config
from gate.service.keeper.process import NO_DATABASE
from gate.service.keeper.shipping import UNSHIPPED
from gate.store.connect import Target
from tests.service.acting import activate, import_, lock, override, weddings
from tests.service.journaling import journaled, rows
from tests.service.keeping import ROOT, config_of, keeping
from tests.service.listening import listening
from tests.service.until import until

pytestmark = pytest.mark.store


def test_all_of_it_reaches_a_worker(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    config = config_of(where, tmp_path, policy=True, calendar=True)
    digest = activate(connection, b"name: p\n")
    with keeping(config, where.schema) as keeper, listening(Path(config.socket)) as heard:
        until(lambda: heard.inputs.policy_path)
        assert digest in (heard.inputs.policy_path or "")
        import_(connection, weddings(5))
        made, granted = lock(connection), override(connection)
        until(lambda: made.as_lock() in heard.inputs.locks)
        until(lambda: granted.as_override() in heard.inputs.overrides)
        until(lambda: heard.inputs.calendar_path)
        until(lambda: heard.about is not None and heard.about.trouble == NO_CLUSTER)
        asyncio.run(journaled(Path(config.journal), 500))
        until(lambda: heard.shipping.shipped_total == 500)
        until(lambda: heard.shipping.depth_records == 0)
        assert rows(connection) == 500
        # What nobody waits for stands back.
        own = os.getpriority(os.PRIO_PROCESS, 0)
        found = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (keeper.pid, keeper.background())]
        assert found == [own, own + NICENESS]
        print(f"resident: {keeper.resident_mebibytes()}")
        assert Path(config.state).stat().st_mode & 0o777 == 0o700
        assert keeper.end() == 0
        assert keeper.events()[-1] == "keeper-ended"
    assert not Path(config.socket).exists()


def test_sigterm_ships_what_there_is(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    config = config_of(where, tmp_path)
    with keeping(config, where.schema) as keeper:
        # It cannot ship while it is stopped; what is journaled meanwhile it finds on its way out.
        background = keeper.background()
        os.kill(background, signal.SIGSTOP)
        asyncio.run(journaled(Path(config.journal), 3000))
        keeper.process.send_signal(signal.SIGTERM)
        os.kill(background, signal.SIGCONT)
        assert keeper.process.wait(timeout=60) == 0
    assert rows(connection) == 3000
    assert list(Path(config.journal).glob("*.seg")) == []


def test_told_to_stop_before_it_began_it_ships_all_the_same(
    where: Target, connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_SCHEMA", where.schema)
    config = config_of(where, tmp_path)
    asyncio.run(journaled(Path(config.journal), 30))
    background, stop = Background(config, lambda _: None), threading.Event()
    stop.set()
    background.run(stop)
    assert background.drained
    assert rows(connection) == 30


def test_a_drain_has_an_end(where: Target, tmp_path: Path) -> None:
    away = msgspec.structs.replace(where, dsn=where.dsn + " port=1")
    config = config_of(away, tmp_path, drain_seconds=1.0)
    asyncio.run(journaled(Path(config.journal), 10))
    with keeping(config, where.schema) as keeper, listening(Path(config.socket)) as heard:
        until(lambda: heard.shipping.trouble and heard.shipping.depth_records == 10)
        assert keeper.end() == 1
        assert keeper.said()[-1]["drained"] is False
    assert list(Path(config.journal).glob("*.seg")) != []


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    config = config_of(None, tmp_path)
    asyncio.run(journaled(Path(config.journal), 10))
    with keeping(config) as keeper, listening(Path(config.socket)) as heard:
        until(lambda: heard.inputs.trouble == NO_DATABASE)
        until(lambda: heard.shipping.trouble == UNSHIPPED)
        assert heard.shipping.depth_bytes > 0
        assert keeper.end() == 0


def test_a_background_that_hangs_is_killed_in_the_end(where: Target, tmp_path: Path) -> None:
    config = config_of(where, tmp_path, drain_seconds=1.0)
    with keeping(config, where.schema) as keeper:
        background = keeper.background()
        os.kill(background, signal.SIGSTOP)
        assert keeper.end() == 1
        assert not runs(background)


def test_a_background_that_dies_is_started_again(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    config = config_of(where, tmp_path)
    with keeping(config, where.schema) as keeper, listening(Path(config.socket)) as heard:
        first = keeper.background()
        os.kill(first, signal.SIGKILL)
        until(lambda: heard.shipping.trouble == ENDED)
        made = lock(connection)
        until(lambda: made.as_lock() in heard.inputs.locks)
        asyncio.run(journaled(Path(config.journal), 100))
        until(lambda: heard.shipping.shipped_total == 100 and heard.shipping.trouble is None, 20)
        assert keeper.background() != first
        assert rows(connection) == 100
        assert keeper.end() == 0


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed: nothing tells the keeper but the kernel."""
    config = config_of(None, tmp_path)
    named = tmp_path / "keeper.json"
    named.write_bytes(msgspec.json.encode(config))
    starts = (
        "import subprocess, sys, time\n"
        "made = subprocess.Popen([sys.executable, '-m', 'gate.service.keeper', sys.argv[1]],"
        " stdin=subprocess.DEVNULL)\n"
        "print(made.pid, flush=True)\n"
        "made.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starts, str(named)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    with listening(Path(config.socket)) as heard:
        until(lambda: heard.client.connected)
        parent.kill()
        parent.communicate()
        until(lambda: not runs(pid))


def test_it_ends_when_its_input_does(tmp_path: Path) -> None:
    config = config_of(None, tmp_path)
    with keeping(config) as keeper:
        assert keeper.process.stdin is not None
        keeper.process.stdin.close()
        assert keeper.process.wait(timeout=10) == 0
        keeper.process.stdin = None


def runs(pid: int) -> bool:
    """Whether the process is there, and not only waits for somebody to ask for its exit."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_terminal_that_is_interrupted_leaves_the_end_to_the_parent(tmp_path: Path) -> None:
    config = config_of(None, tmp_path)
    with keeping(config) as keeper:
        keeper.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            keeper.process.wait(timeout=0.5)
        assert keeper.end() == 0


def test_a_keeper_that_is_killed_is_followed_by_one_that_knows(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    config = config_of(where, tmp_path)
    with listening(Path(config.socket)) as heard:
        for _ in range(3):
            with keeping(config, where.schema) as keeper:
                made = lock(connection)
                until(lambda made=made: made.as_lock() in heard.inputs.locks)  # type: ignore[misc]
                keeper.process.kill()
                keeper.process.wait()
        away = msgspec.structs.replace(config, dsn=where.dsn + " connect_timeout=1")
        hide(where)
        try:
            with keeping(away, where.schema):
                seen = len(heard.messages)
                until(lambda: len(heard.messages) > seen)
                assert len(heard.inputs.locks) == 3
        finally:
            show(where)


def hide(where: Target) -> None:
    os.rename(socket_of(where), socket_of(where).with_name("hidden"))


def show(where: Target) -> None:
    os.rename(socket_of(where).with_name("hidden"), socket_of(where))


def socket_of(where: Target) -> Path:
    host = where.dsn.partition("host='")[2].partition("'")[0]
    return Path(host) / ".s.PGSQL.5432"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "truncated"),
        ('{"state":"s","socket":"x"}', "journal"),
        ('{"journal":"j","state":"s","socket":"x","drain_seconds":"long"}', "drain_seconds"),
        ("/nowhere/at/all", "No such file"),
    ],
)
def test_settings_that_are_none_are_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_config(text)


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [([], "", 2), (["-"], "{}\n", 2), (["{}"], "", 2), (["{}", "more"], "", 2)],
)
def test_bad_settings_end_it_with_a_line(arguments: list[str], text: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gate.service.keeper", *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=30,
    )
    assert done.returncode == code
    assert msgspec.json.decode(done.stderr)["event"] == "keeper-not-started"


def test_a_socket_that_cannot_be_made_ends_it_with_a_line(tmp_path: Path) -> None:
    config = config_of(None, tmp_path, socket=str(tmp_path / "nowhere" / "feed.sock"))
    with keeping(config) as keeper:
        assert keeper.process.wait(timeout=60) == 1
        assert keeper.events() == ["keeper-not-started"]
    assert list(tmp_path.glob("**/*.sock")) == []


def test_no_secret_is_told(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    dsn = f"postgresql://gate:{secret}@127.0.0.1:1/gate"
    config = config_of(None, tmp_path, dsn=dsn)
    assert secret not in repr(config)
    with keeping(config) as keeper, listening(Path(config.socket)) as heard:
        until(lambda: "not available" in (heard.inputs.trouble or ""))
        until(lambda: heard.shipping is not None)
        keeper.end()
    everything = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    named = msgspec.json.encode(config)
    assert sum(secret.encode() in each for each in everything if each != named) == 0
    assert not any(secret in str(message) for message in heard.messages)


def test_settings_by_text_or_file(tmp_path: Path) -> None:
    config = config_of(None, tmp_path)
    text = msgspec.json.encode(config)
    (tmp_path / "c").write_bytes(text)
    assert read_config(str(tmp_path / "c")) == config
    assert read_config(text.decode()) == config
