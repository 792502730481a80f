"""The embedded server: made once, found again, raced for, recovered."""

import json
import multiprocessing
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gate.store import embedded, folders
from gate.store.errors import StoreUnavailable

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from gate.store import embedded
server = embedded.ensure(Path(sys.argv[1]))
print(json.dumps([server.pid, server.dsn()]))
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that was made and stopped, to be copied."""
    above = Path(tempfile.mkdtemp(prefix="gate-embedded-"))
    embedded.ensure(above / "postgres")
    embedded.stop(above / "postgres")
    yield above / "postgres"
    shutil.rmtree(above)


@pytest.fixture
def new() -> Iterator[Path]:
    """A folder below one that only its owner can enter, as a home or a temporary clone may be."""
    above = Path(tempfile.mkdtemp(prefix="gate-embedded-"))
    yield above / "postgres"
    embedded.stop(above / "postgres", immediate=True)
    shutil.rmtree(above)


@pytest.fixture
def base(new: Path, made: Path) -> Path:
    """The same, with a cluster in it."""
    owner = made.stat()
    shutil.copytree(made, new)
    for path in (new, *new.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return new


def in_another_process(base: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(base)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    pid: int = json.loads(done.stdout)[0]
    return pid


def one(server: embedded.Server, statement: str, user: str = embedded.OWNER) -> object:
    with psycopg.connect(server.dsn(user=user), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_commands_at_once_make_one_server(new: Path) -> None:
    with ThreadPoolExecutor(3) as executor:
        pids = set(executor.map(in_another_process, [new] * 3))
    assert len(pids) == 1
    server = embedded.running(new)
    assert server is not None
    assert {server.pid} == pids
    assert embedded.ensure(new) == server
    assert os.getpgid(server.pid) != os.getpgid(0)


def test_it_is_private_durable_and_owned_by_a_plain_role(base: Path) -> None:
    server = embedded.ensure(base)
    for folder in (base, base / "data", base / "run"):
        assert folder.stat().st_mode & 0o777 == 0o700
    for setting, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "is_superuser": "off",
    }.items():
        assert one(server, f"SELECT current_setting('{setting}')") == value
    assert one(server, "SELECT current_user::text") == "gate"
    assert one(server, "SELECT rolcreaterole OR rolcreatedb OR rolsuper FROM pg_roles"
               " WHERE rolname = current_user") is False  # fmt: skip
    assert one(server, "SELECT current_setting('is_superuser')", user="postgres") == "on"


def test_what_was_committed_survives_the_kill_of_every_process(base: Path) -> None:
    server = embedded.ensure(base)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s")
        connection.execute("CREATE TABLE s.t AS SELECT 42 AS n")
        watched = os.pidfd_open(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        select.select([watched], [], [], 10)
        os.close(watched)
    again = embedded.ensure(base)
    assert again.pid != server.pid
    assert one(again, "SELECT n FROM s.t") == 42


def test_stop_and_start(base: Path) -> None:
    assert not embedded.stop(base)
    first = embedded.ensure(base)
    assert embedded.stop(base)
    assert embedded.running(base) is None
    assert not embedded.stop(base)
    assert embedded.ensure(base).pid != first.pid


def test_a_making_that_was_cut_short_is_begun_again(new: Path) -> None:
    half = new / "data.making"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert one(embedded.ensure(new), "SELECT 1") == 1
    assert not half.exists()


def test_a_folder_too_long_for_a_socket_works(base: Path) -> None:
    long = base.parent / ("d" * 60) / ("e" * 60)
    long.parent.mkdir()
    base.rename(long)
    server = embedded.ensure(long)
    try:
        assert len(str(long / "run")) > 108
        assert one(server, "SELECT 1") == 1
        assert in_another_process(long) == server.pid
    finally:
        embedded.stop(long, immediate=True)


def test_a_server_that_cannot_start_says_why(base: Path) -> None:
    embedded.ensure(base)
    embedded.stop(base)
    with (base / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write("shared_buffers = 'nonsense'\n")
    with pytest.raises(StoreUnavailable, match=r"does not start.*shared_buffers"):
        embedded.ensure(base)


def test_without_the_package_it_says_what_to_install(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StoreUnavailable, match=r"saturday-gate\[embedded\]"):
        embedded.ensure(base)


def test_a_folder_that_cannot_be_made(new: Path) -> None:
    new.parent.joinpath("file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot make"):
        embedded.ensure(new.parent / "file" / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_programs_that_the_account_cannot_reach_are_copied(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment below a folder that only root enters."""
    found = folders.programs(folders.account_for(base))
    package = found.parents[1]
    hidden = base.parent / "site-packages"
    hidden.mkdir()
    for part in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(part, hidden / part.name, ignore=shutil.ignore_patterns("include"))
    spec = type("Spec", (), {"submodule_search_locations": [str(hidden / package.name)]})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with tempfile.TemporaryDirectory(prefix="gate-programs-") as system:
        Path(system).chmod(0o755)
        monkeypatch.setattr(folders, "SYSTEM_PROGRAMS", Path(system, "gate", "programs"))
        server = embedded.ensure(base)
        assert one(server, "SELECT 1") == 1
        assert folders.programs(folders.account_for(base)).is_relative_to(system)
        embedded.stop(base, immediate=True)


def start_as(account: pwd.struct_passwd, base: Path) -> None:
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    assert one(embedded.ensure(base), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_as_themselves_and_root_finds_it() -> None:
    account = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="gate-user-") as folder:
        os.chown(folder, account.pw_uid, account.pw_gid)
        base = Path(folder, "postgres")
        # Forked, not started anew: the interpreter may lie where only root can reach it.
        child = multiprocessing.get_context("fork").Process(target=start_as, args=(account, base))
        child.start()
        child.join()
        try:
            assert child.exitcode == 0
            server = embedded.running(base)
            assert server is not None
            assert Path(f"/proc/{server.pid}").stat().st_uid == account.pw_uid
            assert one(server, "SELECT 1") == 1
        finally:
            embedded.stop(base, immediate=True)
