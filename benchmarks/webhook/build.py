"""The peers' programs: where they are, and how they are built from their Go modules.

    python -m benchmarks.webhook.build [NAME…]

What was built is kept under ``~/.cache/saturday-gate/peers/``, in a folder named by what it was
built from.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webhook.site import MissingTargetError

PEERS = Path(__file__).parents[1] / "peers"
_GO_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w")
_GO_MISSING = "Go is needed to build it: https://go.dev/dl/ or apt-get install golang-go"


@dataclass(frozen=True)
class Peer:
    """A program to compare with, built from ``benchmarks/peers/NAME``."""

    name: str
    package: str
    module: str = ""
    """Of these the documents are kept beside the program; see `documents`."""
    documents: tuple[str, ...] = ()
    """Folders of the module with custom resource definitions."""

    @property
    def source(self) -> Path:
        """Its module of ours."""
        return PEERS / self.name

    def cache(self) -> Path:
        """The folder of the program built from exactly this module for this kind of machine."""
        digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {_GO_FLAGS}".encode())
        for path in sorted(self.source.glob("*")):
            if path.name in {"go.mod", "go.sum"} or path.suffix == ".go":
                digest.update(path.read_bytes())
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(home) / "saturday-gate" / "peers" / f"{self.name}-{digest.hexdigest()[:12]}"


ALL = {
    peer.name: peer
    for peer in (
        Peer("bare", "."),
        Peer("opa", "github.com/open-policy-agent/opa"),
        Peer(
            "gatekeeper",
            "github.com/open-policy-agent/gatekeeper/v3",
            "github.com/open-policy-agent/gatekeeper/v3",
            ("config/crd/bases",),
        ),
        Peer(
            "kyverno",
            "github.com/kyverno/kyverno/cmd/kyverno",
            "github.com/kyverno/kyverno",
            (
                "config/crds/kyverno",
                "config/crds/policies.kyverno.io",
                "config/crds/policyreport",
                "config/crds/reports",
            ),
        ),
    )
}


def program(name: str) -> Path:
    """A peer's program, built first where it is not there. Raises `MissingTargetError`."""
    peer = ALL[name]
    built = peer.cache() / name
    if not built.exists():
        _build(peer)
    return built


def documents(name: str) -> list[Path]:
    """The custom resource definitions (YAML) that a peer's program needs."""
    program(name)
    return sorted((ALL[name].cache() / "crds").glob("**/*.yaml"))


def _build(peer: Peer) -> None:
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise MissingTargetError(_GO_MISSING)
    sys.stderr.write(f"building {peer.name} from {peer.package}; this can take minutes\n")
    final = peer.cache()
    final.parent.mkdir(parents=True, exist_ok=True)
    fresh = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        fresh.mkdir()
        _run([go, "build", *_GO_FLAGS, "-o", str(fresh / peer.name), peer.package], peer)
        if peer.documents:
            found = _run([go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", peer.module], peer)
            for folder in peer.documents:
                shutil.copytree(Path(found.strip()) / folder, fresh / "crds" / Path(folder).name)
        try:
            fresh.rename(final)
        except OSError:
            if not final.exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _run(command: list[str], peer: Peer) -> str:
    done = subprocess.run(
        ["nice", *command],
        cwd=peer.source,
        env={**os.environ, "GOWORK": "off"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise MissingTargetError(f"it could not be built: {done.stderr.strip()[-600:]}")
    return done.stdout


if __name__ == "__main__":
    for each in sys.argv[1:] or ALL:
        sys.stdout.write(f"{program(each)}\n")
