"""What keeps a webhook from starting is said, with an exit code."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import REPOSITORY
from tests.webhook.certificates import Authority
from tests.webhook.inputs import Inputs

Options = dict[str, str]


def start(options: Options) -> subprocess.CompletedProcess[str]:
    words = [word for name, value in options.items() for word in (name, value)]
    return subprocess.run(
        [sys.executable, "-m", "gate", "webhook", *words],
        capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def good(tmp_path: Path, inputs: Inputs) -> Options:
    pair = Authority(tmp_path).issue("server")
    _, policy, _, calendar = inputs("locked")
    return {
        "--policy": policy,
        "--calendar": calendar,
        "--journal": str(tmp_path / "journal"),
        "--listen": "127.0.0.1:0",
        "--tls-cert": str(pair.certificate),
        "--tls-key": str(pair.key),
    }


@pytest.mark.parametrize(
    "missing", ["--policy", "--calendar", "--journal", "--listen", "--tls-cert", "--tls-key"]
)
def test_what_is_needed_is_named(good: Options, missing: str) -> None:
    del good[missing]
    done = start(good)
    assert done.returncode == 2
    assert missing in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--listen", "8443", "HOST:PORT"),
        ("--listen", "127.0.0.1:99999", "HOST:PORT"),
        ("--policy", "/nowhere.yaml", "does not exist"),
        ("--dsn", "nonsense", "PostgreSQL"),
        ("--journal-cap", "0", "journal-cap"),
        ("--workers", "0", "workers"),
    ],
)
def test_bad_options_are_refused(good: Options, option: str, value: str, said: str) -> None:
    done = start(good | {option: value})
    assert done.returncode == 2
    assert said in done.stderr


def test_bad_inputs_are_refused_with_every_problem(good: Options, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\ntimezone: Mars/Olympus\nlead: soon\n")
    done = start(good | {"--policy": str(bad)})
    assert done.returncode == 2
    assert "timezone" in done.stderr
    assert "lead" in done.stderr


def test_a_bad_certificate_is_refused(good: Options, tmp_path: Path) -> None:
    other = Authority(tmp_path).issue("other")
    done = start(good | {"--tls-key": str(other.key)})
    assert done.returncode == 2
    assert "--tls-cert" in done.stderr


def test_a_taken_port_is_said(good: Options) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = start(good | {"--listen": f"127.0.0.1:{taken.getsockname()[1]}"})
    assert done.returncode == 4
    assert "cannot listen" in done.stderr


def test_a_journal_that_cannot_be_is_said(good: Options, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = start(good | {"--journal": str(tmp_path / "file" / "journal")})
    assert done.returncode in {2, 4}
    assert "Traceback" not in done.stderr
