"""The embedded PostgreSQL: a real server, started on first use, kept between commands.

The server outlives the command that started it: the next one finds it and pays nothing, and no
command has to count users that may have been killed. `stop` ends it. It listens on a Unix socket
in a 0700 folder only, and lets in the account that owns it (and root) by ``peer``; no password is
kept anywhere. ``fsync`` and ``synchronous_commit`` stay on: what it confirms is on disk.
"""

import fcntl
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from gate.store import folders as places
from gate.store.errors import StoreUnavailable
from gate.store.folders import Account, Folders

OWNER = "gate"
"""The role that owns the product's database; it is no superuser."""
SUPERUSER = "postgres"
DATABASE = "gate"

SETTINGS = """\
# Written when this folder was made; change what you like below the first block.
listen_addresses = ''
unix_socket_directories = '../run'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
shared_buffers = 128MB
max_connections = 100
max_wal_size = 2GB
jit = off
logging_collector = on
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
"""

# `sun_path` holds 108 bytes on Linux, 104 elsewhere, with the closing zero.
_SOCKET_PATH_BYTES = 103
_SOCKET_NAME = ".s.PGSQL.5432"
_INITDB_OPTIONS = ["--encoding=UTF8", "--locale=C", "--auth=peer", "--no-sync", "--no-instructions"]
_POLL_SECONDS = 0.01
_RETRY_SECONDS = 0.1
_long_folders: dict[str, str] = {}


class Server(msgspec.Struct, frozen=True):
    """A running embedded server."""

    base: Path
    pid: int
    host: str
    """The folder of its socket, as libpq's ``host`` takes it in this process."""

    def dsn(self, *, user: str = OWNER, database: str = DATABASE) -> str:
        """The libpq connection string, by default of the product's own role and database."""
        host = self.host.replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port=5432 user={user} dbname={database}"


def ensure(base: Path, *, timeout_seconds: float = 60.0) -> Server:
    """The server of folder `base`: found running, else started, and made first where it is new.

    Safe against other processes doing the same. Raises `StoreUnavailable`.
    """
    folders = Folders(base)
    found = running(base)
    if found is not None:
        return found
    account = places.account_for(base)
    places.make(folders, account)
    with _locked(folders):
        found = running(base)
        if found is not None:
            return found
        programs = places.programs(account)
        if not folders.data.exists():
            _make_cluster(folders, account, programs)
        _start(folders, account, programs, timeout_seconds)
        found = running(base)
    if found is None:
        raise StoreUnavailable(f"the embedded PostgreSQL in {base} started and is gone again")
    return found


def running(base: Path) -> Server | None:
    """The server of `base` where it takes connections now, else None."""
    folders = Folders(base)
    try:
        lines = (folders.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    host = _host(folders.run)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(f"{host}/{_SOCKET_NAME}")
        except OSError:
            return None
    return Server(base, int(lines[0]), host)


def stop(base: Path, *, immediate: bool = False, timeout_seconds: float = 60.0) -> bool:
    """Stop the server of `base`; False where none was running.

    Sessions are ended and all is written out; `immediate` leaves that to recovery at the next
    start. Raises `StoreUnavailable` where it does not end in time.
    """
    folders = Folders(base)
    if not folders.data.exists():
        return False
    with _locked(folders):
        pid_file = folders.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            os.kill(pid, signal.SIGQUIT if immediate else signal.SIGINT)
        except (OSError, ValueError):
            return False
        deadline = time.monotonic() + timeout_seconds
        while pid_file.exists() and _lives(pid):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"the embedded PostgreSQL (process {pid}) does not stop")
            time.sleep(_POLL_SECONDS)
    return True


def _is_leaving(folders: Folders, said: str) -> bool:
    """Whether a start failed for what a killed server leaves behind for a moment.

    Its other processes notice its end and go; it counts as there until its parent has asked for its
    exit. That parent may be this process, where it is the first one of a container.
    """
    if "pre-existing shared memory block" in said:
        return True
    if 'lock file "postmaster.pid" already exists' not in said:
        return False
    try:
        pid = int((folders.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return True
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return not _lives(pid)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return state != "Z"


@contextmanager
def _locked(folders: Folders) -> Iterator[None]:
    with open(folders.lock, "ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _host(run: Path) -> str:
    """The socket's folder in a form that fits into a socket address.

    A folder that is too long is kept open and named by its descriptor: that name is short, and
    unlike a link in a shared folder nobody else can set it.
    """
    path = str(run)
    if len(os.fsencode(path)) + 1 + len(_SOCKET_NAME) <= _SOCKET_PATH_BYTES:
        return path
    if path not in _long_folders:
        if not os.path.isdir("/proc/self/fd"):
            raise StoreUnavailable(
                f"{path} is too long for a socket; set GATE_DATA_DIR to a shorter one"
            )
        _long_folders[path] = f"/proc/self/fd/{os.open(run, os.O_RDONLY | os.O_DIRECTORY)}"
    return _long_folders[path]


def _run(
    command: list[str], folder: Path, account: Account, *, feed: str = "", seconds: float = 120.0
) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own programs and arguments
            command,
            cwd=folder,
            input=feed,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            **account.spawn_options(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoreUnavailable(f"cannot run {command[0]}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise StoreUnavailable(f"{Path(command[0]).name} failed: {said}")


def _make_cluster(folders: Folders, account: Account, programs: Path) -> None:
    """Make PGDATA beside its place and move it there when it is whole: a killed try leaves none."""
    making = folders.base / "data.making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    if account.switched:
        os.chown(making, account.uid, account.gid)
    here = places.name_for_programs(making, account)
    _run(
        [str(programs / "initdb"), "-D", here, "-U", SUPERUSER, *_INITDB_OPTIONS],
        making,
        account,
    )
    _write(making / "postgresql.auto.conf", SETTINGS, account)
    _write(making / "pg_hba.conf", "local all all peer map=gate\n", account)
    names = dict.fromkeys((account.name, pwd.getpwuid(0).pw_name))
    quoted = ('"' + name.replace('"', '""') + '"' for name in names)
    idents = [f"gate {name} {role}\n" for name in quoted for role in (OWNER, SUPERUSER)]
    _write(making / "pg_ident.conf", "".join(idents), account)
    feed = f"CREATE ROLE {OWNER} LOGIN;\nCREATE DATABASE {DATABASE} OWNER {OWNER};\n"
    _run(
        [str(programs / "postgres"), "--single", "-D", here, "postgres"], making, account, feed=feed
    )
    _run([str(programs / "initdb"), "--sync-only", "-D", here], making, account)
    making.rename(folders.data)


def _write(path: Path, text: str, account: Account) -> None:
    path.write_text(text)
    path.chmod(0o600)
    if account.switched:
        os.chown(path, account.uid, account.gid)


def _start(folders: Folders, account: Account, programs: Path, timeout_seconds: float) -> None:
    here = places.name_for_programs(folders.data, account)
    waiting = ["-w", "-t", str(max(1, int(timeout_seconds)))]
    command = [
        str(programs / "pg_ctl"),
        "start",
        "-s",
        "-D",
        here,
        "-l",
        "../run/start.log",
        *waiting,
    ]
    log = folders.run / "start.log"
    deadline = time.monotonic() + timeout_seconds
    while True:
        log.unlink(missing_ok=True)
        try:
            _run(command, folders.data, account, seconds=timeout_seconds + 10)
        except StoreUnavailable as error:
            said = log.read_text(errors="replace").strip()[-2000:] if log.exists() else ""
            if _is_leaving(folders, said) and time.monotonic() < deadline:
                time.sleep(_RETRY_SECONDS)
                continue
            shown = shlex.quote(str(folders.base))
            raise StoreUnavailable(
                f"the embedded PostgreSQL in {shown} does not start: {said or error}"
            ) from error
        return
