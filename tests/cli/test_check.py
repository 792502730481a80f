"""`gate check`: exit codes, JSON, words, and what happens where something cannot be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gate.cli import check as command
from tests.cli.run import Outcome, gate

SATURDAY, TUESDAY = "2026-06-13T12:00:00Z", "2026-06-16T12:00:00Z"
POLICY = "version: 1\nname: shop\ntimezone: Europe/London\nlead: 2h\n"
CALENDAR = "id,date,timezone\na,2026-06-13,Asia/Kolkata\nb,2026-06-13,Europe/London\n"


class Files:
    def __init__(self, folder: Path) -> None:
        self.policy = folder / "policy.yaml"
        self.calendar = folder / "calendar.csv"
        self.policy.write_text(POLICY)
        self.calendar.write_text(CALENDAR)

    def check(self, *more: object) -> Outcome:
        return gate("check", "--policy", self.policy, "--calendar", self.calendar, *more)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GATE_DSN", raising=False)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_saturday_is_denied_and_a_tuesday_allowed(files: Files) -> None:
    denied = files.check("--at", SATURDAY, "--json")
    assert (denied.code, denied.json["verdict"], denied.json["effect"]) == (3, "deny", "block")
    assert denied.json["reasons"][0]["zones"] == ["Asia/Kolkata", "Europe/London"]
    assert denied.json["calendar"]["weddings"] == denied.json["load"]["weddings_today"] == 2
    assert denied.json["recorded"] is False
    allowed = files.check("--at", TUESDAY, "--json")
    assert (allowed.code, allowed.json["verdict"], allowed.json["reasons"]) == (0, "allow", [])


def test_the_refusal_helps(files: Files) -> None:
    text = files.check("--at", SATURDAY, "--invoker", "human", "--environment", "production").out
    for words in [
        "DENIED", "deploy by human to production", "window saturday of 2026-06-13",
        "Sun 14 Jun 2026 00:00 +0100", "scale-up, rollback", "sre-lead or duty-manager",
        "gate override grant", "--environment production",
    ]:  # fmt: skip
        assert words in text, words


def test_without_at_it_decides_for_now(files: Files) -> None:
    assert files.check("--json").code in {0, 3}


def test_mode_warn_exits_0(files: Files) -> None:
    files.policy.write_text(POLICY + "mode: warn\n")
    outcome = files.check("--at", SATURDAY)
    assert outcome.code == 0
    assert "WARNED" in outcome.out


def test_several_calendars_in_one_option(files: Files, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": 7, "date": "2026-06-13", "timezone": "Asia/Tokyo"}\n')
    both = gate(
        "check", "--calendar", files.calendar, more, "--policy", files.policy, "--at", SATURDAY,
        "--json",
    )  # fmt: skip
    again = gate(
        "check", f"--calendar={more}", "--calendar", files.calendar, "--policy", files.policy,
        "--at", SATURDAY, "--json",
    )  # fmt: skip
    assert both.json["calendar"] == again.json["calendar"]
    assert both.json["calendar"]["weddings"] == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "2026-06-13T12:00:00"], "--at"),
        (["--action", "destroy"], "--action"),
        (["--invoker", "robot"], "--invoker"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_usage_exits_2_and_names_the_field(
    files: Files, arguments: list[str], says: str
) -> None:
    outcome = files.check(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


@pytest.mark.parametrize("option", ["--policy", "--calendar"])
def test_a_path_that_names_no_file_is_usage(files: Files, tmp_path: Path, option: str) -> None:
    for path in (tmp_path / "none", tmp_path):
        words = {"--policy": files.policy, "--calendar": files.calendar, option: path}
        outcome = gate("check", *(word for pair in words.items() for word in pair))
        assert (outcome.code, option in outcome.err) == (2, True)


def test_an_unreadable_policy_is_undecided_and_blocks(files: Files) -> None:
    files.policy.write_text("version: 1\ntimezone: Mars/Olympus\n")
    files.calendar.write_text("nonsense")
    outcome = files.check("--at", SATURDAY, "--json")
    assert outcome.code == 4
    decision = outcome.json
    assert (decision["verdict"], decision["effect"]) == ("undecided", "block")
    assert [reason["code"] for reason in decision["reasons"]] == ["policy-invalid"]
    for field in ("phase", "level", "locked_from", "locked_until", "next_change", "load"):
        assert decision[field] is None
    assert decision["policy"]["name"] is None
    assert len(decision["policy"]["sha256"]) == len(decision["calendar"]["sha256"]) == 64
    assert f"{files.policy}:2: timezone" in outcome.err


def test_an_unreadable_calendar_is_undecided_by_the_policy_s_word(files: Files) -> None:
    files.calendar.write_text("id,date,timezone\na,2026-06-31,Europe/London\n")
    outcome = files.check("--at", SATURDAY, "--json")
    assert (outcome.code, outcome.json["reasons"][0]["code"]) == (4, "calendar-invalid")
    assert outcome.json["policy"]["name"] == "shop"
    assert outcome.json["calendar"]["weddings"] is None
    assert f"{files.calendar}:2: date" in outcome.err
    files.policy.write_text(POLICY + "on_undecided: allow\n")
    lenient = files.check("--at", SATURDAY, "--json")
    assert (lenient.code, lenient.json["effect"]) == (0, "warn")


def test_undecided_reads_well(files: Files) -> None:
    files.policy.write_text("version: 2\n")
    assert "UNDECIDED, so blocked" in files.check("--at", SATURDAY).out


def test_endless_files_are_refused_quickly(files: Files) -> None:
    before = os.times()
    policy = gate("check", "--policy", "/dev/zero", "--calendar", files.calendar, "--json")
    calendar = gate("check", "--policy", files.policy, "--calendar", "/dev/zero", "--json")
    after = os.times()
    assert (policy.code, calendar.code) == (4, 4)
    assert policy.json["policy"]["sha256"] is None
    assert after.user + after.system - before.user - before.system < 5


def test_a_policy_over_the_limit_keeps_its_digest(files: Files) -> None:
    files.policy.write_bytes(b"#" * (1 << 21))
    outcome = files.check("--json")
    assert (outcome.code, len(outcome.json["policy"]["sha256"])) == (4, 64)


def test_the_present_moment_has_an_offset() -> None:
    assert command._now().utcoffset() is not None


def test_a_bug_is_exit_1_without_a_traceback(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a wheel fell off")

    monkeypatch.setattr(command, "open_judge", broken)
    outcome = files.check()
    assert outcome.code == 1
    assert "a wheel fell off" in outcome.err
    assert "Traceback" not in outcome.err
    monkeypatch.setenv("GATE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        files.check()


def test_it_leaves_quietly_when_its_reader_has_gone(files: Files) -> None:
    batch = files.policy.with_name("batch.jsonl")
    batch.write_text('{"at": "2026-06-13T12:00:00Z"}\n' * 5000)
    command_line: list[str | Path] = [
        sys.executable, "-m", "gate", "check", "--policy", files.policy, "--calendar",
        files.calendar, "--batch", batch,
    ]  # fmt: skip
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == b""


def test_control_characters_do_not_reach_the_terminal(files: Files) -> None:
    outcome = files.check("--at", SATURDAY, "--environment", "prod\x1b[2J")
    assert "prod\\x1b[2J" in outcome.out
    assert "\x1b" not in outcome.out


def test_a_full_disk_under_the_answer_is_no_allow_and_no_bug(files: Files) -> None:
    command_line: list[str | Path] = [
        sys.executable, "-m", "gate", "check", "--policy", files.policy, "--calendar",
        files.calendar, "--at", TUESDAY,
    ]  # fmt: skip
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command_line, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (4, "gate: No space left on device\n")


def test_help_lists_the_commands() -> None:
    outcome = gate("--help")
    assert outcome.code == 0
    assert "check" in outcome.out
    assert gate("nonsense").code == 2
