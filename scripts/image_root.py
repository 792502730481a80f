"""Make an image's root filesystem: the Python of this one and an environment, nothing else.

    python3 image_root.py collect --venv /opt/gate --root /rootfs
    python3 image_root.py compile --root /rootfs

Runs in a stage of the Dockerfile, with nothing but the standard library. `collect` asks Python
where it lives and the dynamic loader what it needs, so that Debian's own Python does as well as one
under `/usr/local`. `compile` writes byte code that is never compared with its source again, and
gives every file the same time: what is built twice from the same base is the same to the byte.
"""

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

PROGRAMS = ("sh", "true", "cat", "env")
"""A shell to look around with, and `true`, with which a start that does nothing is timed."""

FILES = (
    "/etc/debian_version",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/protocols",
    "/etc/services",
)
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
FOLDERS = {"/root": 0o700, "/tmp": 0o1777, "/usr/local/bin": 0o755, "/var/tmp": 0o1777}  # noqa: S108  (an image's own)

STDLIB_WITHOUT = re.compile(
    r"(?:dist-packages|site-packages|sitecustomize\.py|EXTERNALLY-MANAGED|config-[^/]*|LICENSE\.txt"
    r"|test|idlelib|tkinter|turtledemo|turtle\.py|lib2to3|ensurepip|pydoc_data|distutils"
    r"|(?:ctypes|unittest|sqlite3|.*)/tests?|lib-dynload/_(?:test|tkinter|ctypes_test|xxtest).*"
    r"|lib-dynload/(?:xxlimited|_dbm|_gdbm|_curses|readline|nis|ossaudiodev).*)"
)
"""What the gate can do without: tests, windows on a screen, pip, what an embedder's linker needs,
and extensions that nothing imports but that would bring libraries along."""

VENV_WITHOUT = re.compile(
    r"(?:include|share|bin/(?!python|gate$).*|.*\.(?:pyi|pxd|pyx|c|h|cpp|a|exe)|.*/py\.typed"
    # Colours for source code, which rich shows in tracebacks that nobody here asks it for: 8 MB.
    r"|.*/pygments/(?:lexers|formatters|styles)/(?!__init__|_mapping).*)"
)

_DPKG = Path("/var/lib/dpkg")
_TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))


class Root:
    """A root filesystem under construction; paths are those of the one that we run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: set[Path] = set()

    def at(self, path: Path) -> Path:
        """Where a path of the image is while it is built."""
        return self.folder / path.relative_to("/")

    def add(self, path: Path) -> None:
        """Copy a file with the links that lead to it; a link is kept as a link."""
        real = self._parents(path)
        if real in self.files:
            return
        self.files.add(real)
        if real.is_symlink():
            self.at(real).symlink_to(os.readlink(real))
            if not real.is_dir():  # a folder is added, if at all, by its own name
                self.add(Path(os.path.normpath(real.parent / os.readlink(real))))
        else:
            shutil.copy2(real, self.at(real))

    def add_tree(self, folder: Path, without: re.Pattern[str]) -> None:
        """Copy a folder but for what matches, relative to it, and for byte code."""
        for parent, folders, names in os.walk(folder):
            place = Path(parent)
            kept = [
                name
                for name in [*folders, *names]
                if name != "__pycache__"
                and not without.fullmatch((place / name).relative_to(folder).as_posix())
            ]
            folders[:] = [name for name in folders if name in kept and not is_link(place / name)]
            for name in kept:
                if name not in folders:
                    self.add(place / name)

    def _parents(self, path: Path) -> Path:
        """Make the folders above, links among them as links; the path with those followed."""
        here = Path("/")
        for part in path.parent.parts[1:]:
            here /= part
            if here.is_symlink():
                target = Path(os.path.normpath(here.parent / os.readlink(here)))
                if not is_link(self.at(here)):
                    self.at(here).symlink_to(os.readlink(here))
                here = self._parents(target / "_").parent
            self.at(here).mkdir(exist_ok=True)
        return here / path.name


def is_link(path: Path) -> bool:
    """Whether it is a symbolic link, be it one that leads nowhere."""
    return path.is_symlink()


def is_elf(path: Path) -> bool:
    """Whether the dynamic loader may have something to say about the file."""
    if is_link(path):
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def libraries(path: Path) -> Iterator[Path]:
    """The shared objects that a program or an extension is loaded with, its loader included."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        if "not found" in line:
            sys.exit(f"image_root: {path}: {line.strip()}")
        if found := re.search(r"(/\S+) \(0x", line):
            yield Path(os.path.normpath(found[1]))


def owners(files: Iterable[Path]) -> set[str]:
    """The Debian packages that files are from, as dpkg names its lists."""
    spelled = {os.fspath(path) for path in files}
    # Lists may say /lib/… for what is in /usr/lib.
    spelled |= {path.removeprefix("/usr") for path in spelled if path.startswith("/usr/")}
    return {
        listing.name.removesuffix(".list")
        for listing in (_DPKG / "info").glob("*.list")
        if not spelled.isdisjoint(listing.read_text().splitlines())
    }


def keep_provenance(root: Root) -> None:
    """Keep what scanners and licences ask for: the packages' entries and their copyright files."""
    names = {name.partition(":")[0] for name in owners(root.files)}
    status = (_DPKG / "status").read_text().split("\n\n")
    kept = [entry for entry in status if entry.partition("\n")[0].partition(": ")[2] in names]
    target = root.at(_DPKG / "status")
    target.parent.mkdir(parents=True)
    target.write_text("\n\n".join(kept) + "\n")
    for name in sorted(names):
        if (copyright_file := Path("/usr/share/doc") / name / "copyright").exists():
            root.add(copyright_file)


def collect(folder: Path, venv: Path) -> None:
    """Fill a new root filesystem."""
    root = Root(folder)
    folder.mkdir()
    for path, mode in FOLDERS.items():
        root.at(Path(path)).mkdir(parents=True)
        root.at(Path(path)).chmod(mode)
    for link in (path for path in Path("/").iterdir() if is_link(path)):
        target = root.at(link)
        (folder / os.readlink(link).lstrip("/")).mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.readlink(link))
    for name in PROGRAMS:
        found = shutil.which(name)
        root.add(Path(found or sys.exit(f"image_root: the base has no {name}")))
    for present in filter(os.path.exists, FILES):
        root.add(Path(present))
    if not os.path.exists(CA_BUNDLE):
        sys.exit("image_root: the base has no certificates (Debian: ca-certificates)")
    root.add(Path(CA_BUNDLE))
    root.add(Path(sys.executable))
    for kind in ("stdlib", "platstdlib"):
        root.add_tree(Path(sysconfig.get_path(kind)), STDLIB_WITHOUT)
    root.add_tree(venv, VENV_WITHOUT)
    for loaded in [copied for copied in root.files if is_elf(copied)]:
        for library in libraries(loaded):
            root.add(library)
    keep_provenance(root)


def compile_all(folder: Path) -> None:
    """Compile every module, and give every file one time."""
    good = compileall.compile_dir(
        folder,
        maxlevels=50,
        quiet=1,
        stripdir=os.fspath(folder),
        prependdir="/",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=os.cpu_count() or 1,
    )
    if not good:
        sys.exit("image_root: a module cannot be compiled")
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in [*folders, *names]:
            os.utime(os.path.join(parent, name), (_TIME, _TIME), follow_symlinks=False)


def main() -> None:
    """Read the arguments and do the one thing asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("collect", "compile"):
        command = commands.add_parser(name)
        command.add_argument("--root", type=Path, required=True)
        if name == "collect":
            command.add_argument("--venv", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.command == "collect":
        collect(chosen.root.absolute(), chosen.venv)
    compile_all(chosen.root)


if __name__ == "__main__":
    main()
