"""Run a container of the manifests as a pod would: its arguments, its variables, its volumes.

In a mount namespace in which nothing can be written but the pod's volumes, without privileges, and
with a service account's token where a pod has it. The image's own root is not there, so the volumes
lie under a folder and paths are translated; the user is the test's, which keeps the right to reach
other users' files, for the test's database is another's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.manifests.building import Object

REPOSITORY = Path(__file__).parents[2]
ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
_SCRIPT = """
set -eu
folder=$1 account=$2; shift 2
mount -t tmpfs none /run
mkdir -p "$folder" "$ACCOUNT"
for mount in $(cut -d' ' -f2 /proc/mounts); do
    mount -o remount,ro,bind "$mount" 2>/dev/null || true
done
mount -t tmpfs none "$folder"
for each in $VOLUMES; do mkdir -p "$folder$each"; done
[ -z "$TLS" ] || cp "$TLS"/tls.crt "$TLS"/tls.key "$folder/etc/gate/tls"
if [ -n "$account" ]; then
    mount -t tmpfs none /run
    mkdir -p "$ACCOUNT"
    cp "$account"/* "$ACCOUNT"
    mount -o remount,ro /run
fi
exec setpriv --bounding-set=-all,+dac_override --inh-caps=-all --no-new-privs "$@"
"""
_MOUNTS = "mount -t tmpfs none /run && setpriv --no-new-privs true"
_START = "import sys; from gate.cli.main import main; sys.exit(main())"


def unable() -> str | None:
    """Why nothing can be confined here, None where it can."""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _MOUNTS],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr.strip() or "no mounts here" if done.returncode else None


def variables(container: Object, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The variables that a pod sets, from Secrets and ConfigMaps of those contents."""
    found = {}
    for each in container.get("env", ()):
        source: Any = each.get("valueFrom", {})
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.namespace"
            found[each["name"]] = "saturday-gate"
        elif reference := source.get("secretKeyRef") or source.get("configMapKeyRef"):
            name = next(known for known in secrets if reference["name"].startswith(known))
            found[each["name"]] = secrets[name][reference["key"]]
        else:
            found[each["name"]] = each["value"]
    return found


def _translated(argument: str, given: Mapping[str, str], root: Path, volumes: list[str]) -> str:
    for name, value in given.items():
        argument = argument.replace(f"$({name})", value)
    for path in volumes:
        argument = argument.replace(f"={path}", f"={root}{path}")
    return argument


@contextmanager
def confined(
    container: Object,
    folder: Path,
    *,
    secrets: Mapping[str, Mapping[str, str]],
    environ: Mapping[str, str],
    replaced: Mapping[str, str] | None = None,
    tls: Path | None = None,
    account: Path | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """The container's process, killed if it does not end in the block; its output is in ``log``.

    ``environ``: what a cluster adds, such as where its API server is. ``account``: a folder with
    what is mounted for the account. ``replaced``: arguments that cannot be as they are here.
    """
    set_here = variables(container, secrets)
    root, volumes = folder / "root", [each["mountPath"] for each in container["volumeMounts"]]
    root.mkdir(parents=True)
    arguments = [_translated(each, set_here, root, volumes) for each in container["args"]]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": f"{root}/var/lib/gate",
        "TMPDIR": f"{root}/tmp",
        "GATE_CACHE_DIR": "",
        "VOLUMES": " ".join(volumes),
        "TLS": str(tls or ""),
        "ACCOUNT": ACCOUNT,
        **set_here,
        **environ,
    }
    words = [(replaced or {}).get(each, each) for each in arguments]
    command = ["unshare", "--mount", "sh", "-c", _SCRIPT, "sh", str(root), str(account or "")]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [*command, sys.executable, "-c", _START, *words],
            env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def events(folder: Path) -> list[str]:
    """What the log lines of a container say happened."""
    lines = (folder / "log").read_text().splitlines()
    return [json.loads(line).get("event", "") for line in lines if line.startswith("{")]
