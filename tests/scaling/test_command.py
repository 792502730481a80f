"""`gate prescale` before it asks any cluster."""

from pathlib import Path

import pytest

from tests.cli.run import gate
from tests.cli.support import CALENDAR, INPUTS, POLICY

ONCE = ("prescale", *INPUTS, "--once")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "GATE_DSN", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prescale", *INPUTS), "--once"),
        (("prescale", "--policy", POLICY, "--once"), "--calendar"),
        (("prescale", "--calendar", CALENDAR, "--once"), "--policy"),
        ((*ONCE, "--at", "noon"), "noon"),
        ((*ONCE, "--ahead", "soon"), "soon"),
        ((*ONCE, "--policy", "/nonexistent.yaml"), "/nonexistent.yaml"),
        ((*ONCE, "--calendar", "/nonexistent.csv"), "/nonexistent.csv"),
        ((*ONCE, "--kubeconfig", "/nonexistent"), "/nonexistent"),
        ((*ONCE, "--namespace", ""), "--namespace"),
        ((*ONCE, "--namespace", "a/b"), "--namespace"),
        (ONCE, "no cluster is named"),
    ],
)
def test_bad_usage_is_said_and_nothing_is_done(words: tuple[str, ...], said: str) -> None:
    ended = gate(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize("text", ["", "kind: Config", "{", "\x00", "- a"])
def test_a_kubeconfig_that_is_none_is_bad_usage(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    ended = gate(*ONCE, "--kubeconfig", str(file))
    assert (ended.code, ended.out) == (2, "")
    assert "kubeconfig" in ended.err
