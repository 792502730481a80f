"""What the worker is made of, as far as it needs no cluster."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.decision import ManualLock
from gate.service.fallback.aside import lease_trouble
from gate.service.fallback.board import Board
from gate.service.fallback.cluster import Reading, Seen
from gate.service.fallback.worker import compiled_until
from gate.service.feed import Inputs
from gate.service.following import Following
from tests.cli.run import gate

NOW = datetime(2026, 6, 13, 12, tzinfo=UTC)
POLICY = "version: 1\ntimezone: Europe/London\n"
LOCK = ManualLock(id="1", start=NOW, end=None, by="alice", reason="the cake fell over")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    path = tmp_path / "weddings.csv"
    path.write_text("id,date,timezone\n")
    return path


def replaced(path: Path, text: str) -> None:
    """Write a file as people's tools do: a new one in the old one's place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def test_files_are_read_when_they_change(policy: Path, calendar: Path) -> None:
    inputs = Following(str(policy), [str(calendar)])
    assert inputs.look() is not None
    assert inputs.look() is None
    replaced(policy, f"{POLICY}name: shop\n")
    found = inputs.look()
    assert found is not None
    assert found.policy.name == "shop"
    replaced(calendar, "id,date,timezone\n1,2026-06-13,Asia/Kolkata\n")
    found = inputs.look()
    assert found is not None
    assert found.facts.calendar.weddings == 1


def test_what_cannot_be_read_is_said_once_it_is_mended_no_more(
    policy: Path, calendar: Path
) -> None:
    inputs = Following(str(policy), [str(calendar)])
    assert inputs.look() is not None
    replaced(policy, "version: 2\n")
    assert inputs.look() is None
    assert "version" in str(inputs.trouble)
    policy.unlink()
    assert inputs.look() is None
    assert "cannot be read" in str(inputs.trouble)
    policy.write_text(POLICY)
    assert inputs.look() is not None
    assert inputs.trouble is None


def test_nothing_is_read_before_the_locks_are_known(policy: Path, calendar: Path) -> None:
    inputs = Following(str(policy), [str(calendar)], database=True)
    assert inputs.waits
    assert inputs.look() is None
    inputs.take(Inputs(trouble="the database is away"))
    assert inputs.look() is None
    assert inputs.lost == "the database is away"
    inputs.take(Inputs(locks=(LOCK,), read_at=NOW))
    assert not inputs.waits
    found = inputs.look()
    assert found is not None
    assert found.timeline.locks == (LOCK,)
    inputs.take(Inputs(read_at=NOW))
    assert inputs.look() is not None
    inputs.take(Inputs(read_at=NOW + timedelta(seconds=2)))
    assert inputs.look() is None


def test_locks_stay_while_the_database_is_away(policy: Path, calendar: Path) -> None:
    inputs = Following(str(policy), [str(calendar)], database=True)
    inputs.take(Inputs(locks=(LOCK,), read_at=NOW))
    assert inputs.look() is not None
    inputs.take(Inputs(locks=(LOCK,), read_at=NOW, trouble="the database is away"))
    assert inputs.look() is None
    assert inputs.lost is not None


def test_policy_and_calendar_may_come_from_the_database(policy: Path, calendar: Path) -> None:
    inputs = Following(None, [], database=True)
    assert (inputs.wants_policy, inputs.wants_calendar) == (True, True)
    inputs.take(Inputs(read_at=NOW))
    assert inputs.waits
    assert inputs.look() is None
    assert "in force in the database" in str(inputs.trouble)
    told = Inputs(
        policy_path=str(policy), calendar_path=str(calendar), calendar_sha256="d" * 64, read_at=NOW
    )
    inputs.take(told)
    found = inputs.look()
    assert found is not None
    assert found.facts.calendar.sha256 == "d" * 64
    assert inputs.trouble is None


def test_the_board_tells_what_is_amiss(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    board = Board()
    board.alert("weeks", "too few")
    board.alert("weeks", "too few")
    board.alert("apply", None)
    board.figure("namespaces", 3)
    board.figure("compiled_until_seconds", 1_780_000_000)
    assert board.alerts == {"weeks": "too few"}
    path = tmp_path / "gate.prom"
    board.write(path)
    lines = path.read_text().splitlines()
    assert 'gate_fallback_alert{alert="weeks"} 1' in lines
    assert 'gate_fallback_alert{alert="apply"} 0' in lines
    assert "gate_fallback_namespaces 3" in lines
    assert "gate_fallback_compiled_until_seconds 1780000000" in lines
    assert sum(line.startswith("# TYPE gate_fallback_alert ") for line in lines) == 1
    board.alert("weeks", None)
    assert board.alerts == {}
    board.write(tmp_path / "nowhere" / "gate.prom")
    assert "metrics" in board.alerts
    logged = capfd.readouterr().err
    assert logged.count('"alert": "weeks"') == 2


def test_leases_that_are_no_clock_are_named() -> None:
    def trouble(*readings: Reading) -> str:
        return str(lease_trouble(Seen(readings=readings, now=NOW)))

    fresh = Reading(name="a", renewed=NOW - timedelta(seconds=11))
    assert trouble(fresh) == "None"
    assert "no identity Leases" in trouble()
    assert "Lease b has no renewTime" in trouble(fresh, Reading(name="b", renewed=None))
    dead = Reading(name="c", renewed=NOW - timedelta(minutes=9))
    assert "Lease c was renewed 540 s ago" in trouble(fresh, dead)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"metadata": {}},
        {"metadata": {"annotations": {"saturday-gate.io/compiled-until": "soon"}}},
    ],
)
def test_a_policy_that_does_not_say_until_when(document: dict[str, object]) -> None:
    assert compiled_until(document) is None


def test_bad_settings_are_exit_2(
    policy: Path, calendar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "GATE_DSN"):
        monkeypatch.delenv(name, raising=False)
    inputs = ["--policy", policy, "--calendar", calendar]
    assert gate("fallback", "run", "--policy", policy).code == 2
    done = gate("fallback", "run", *inputs)
    assert done.code == 2
    assert "no cluster is named" in done.err
    nonsense = tmp_path / "kubeconfig"
    for text in ("", "[]", "{", "apiVersion: v1\nkind: Config\n"):
        nonsense.write_text(text)
        done = gate("fallback", "status", "--kubeconfig", nonsense)
        assert done.code == 2, (text, done.err)
    assert gate("fallback", "run", *inputs, "--kubeconfig", tmp_path / "none").code == 2
