"""The programs of the control plane: which they are, what they are built from, where they are.

`KUBEBUILDER_ASSETS` and `PATH` come first, then the cache that `tests/controlplane/build.py` fills.
"""

import hashlib
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts import caching

MODULES = Path(__file__).parent / "modules"
BUILD_COMMAND = "make cluster-build"


@dataclass(frozen=True)
class Source:
    """A Go module of ours and the programs that are built from what it requires."""

    module: str
    """The folder under ``modules``."""
    origin: str
    """The required Go module whose version counts."""
    packages: dict[str, str]
    """Program to Go package."""
    stamps: tuple[str, ...] = ()
    """What the linker sets; ``{version}``, ``{major}`` and ``{minor}`` are of `origin`."""

    def folder(self) -> Path:
        """Where its go.mod and go.sum are."""
        return MODULES / self.module

    def version(self) -> str:
        """The required version of `origin`, such as ``v1.35.4``."""
        text = (self.folder() / "go.mod").read_text()
        found = re.search(rf"^require {re.escape(self.origin)} (v\S+)$", text, re.MULTILINE)
        if found is None:
            raise LookupError(f"{self.folder()}/go.mod does not require {self.origin}")
        return found[1]

    def linker_flags(self) -> str:
        """The value of ``-ldflags``: no symbol tables, the version set."""
        version = self.version()
        major, minor = version.removeprefix("v").split(".")[:2]
        filled = (each.format(version=version, major=major, minor=minor) for each in self.stamps)
        return " ".join(("-s", "-w", *(f"-X {each}" for each in filled)))


_VERSION = "k8s.io/component-base/version"
SOURCES = (
    Source("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Source(
        "kubernetes",
        "k8s.io/kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        },
        (
            f"{_VERSION}.gitVersion={{version}}",
            f"{_VERSION}.gitMajor={{major}}",
            f"{_VERSION}.gitMinor={{minor}}",
        ),
    ),
    Source("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
)
PROGRAMS = tuple(program for source in SOURCES for program in source.packages)


def cache() -> Path:
    """The folder of the programs built from exactly these modules for this kind of machine."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}\n".encode())
    for source in SOURCES:
        digest.update(f"{source.packages}{source.linker_flags()}\n".encode())
        for name in ("go.mod", "go.sum"):
            digest.update((source.folder() / name).read_bytes())
    return caching.home() / "controlplane" / digest.hexdigest()[:16]


def find(name: str) -> Path | None:
    """Where a program is, or None."""
    places = (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH"), str(cache()))
    for place in places:
        if place and (found := shutil.which(name, path=place)):
            return Path(found)
    return None


def program(name: str) -> Path:
    """Where a program is; raises `FileNotFoundError` with the command that builds it."""
    found = find(name)
    if found is None:
        raise FileNotFoundError(f"no program {name}; build it with: {BUILD_COMMAND}")
    return found


def kubectl() -> Path | None:
    """The environment's own kubectl (a wheel brings it), else that of ``PATH``."""
    beside = os.fspath(Path(sys.executable).parent)
    found = shutil.which("kubectl", path=os.pathsep.join((beside, os.environ.get("PATH", ""))))
    return Path(found) if found else None


def missing() -> str | None:
    """Why no control plane can be started here, or None; nothing is built to find out."""
    lacking = [name for name in PROGRAMS if find(name) is None]
    if kubectl() is None:
        lacking.append("kubectl")
    return f"no {', '.join(lacking)}" if lacking else None
