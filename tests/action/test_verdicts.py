"""What a step says and how it ends, by verdict and mode."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from tests.action.support import HEAD, LOCKED, Workspace, annotations, frozen

ALWAYS = {"verdict", "effect", "phase", "level", "next-change", "locked-until", "decision-id",
          "recorded", "reasons"}  # fmt: skip


def test_an_allowed_change_goes_on_without_an_annotation(workspace: Workspace) -> None:
    ended = workspace.run(environment="production")
    assert (ended.code, ended.err) == (0, "")
    assert ended.outputs.keys() == ALWAYS
    assert ended.outputs["verdict"] == ended.outputs["effect"] == "allow"
    assert (ended.outputs["phase"], ended.outputs["level"]) == ("open", "NORMAL")
    assert (ended.outputs["next-change"], ended.outputs["locked-until"]) == ("", "")
    assert (ended.outputs["recorded"], ended.outputs["reasons"]) == ("false", "[]")
    assert "gate: deploy to production allowed" in ended.log.splitlines()
    assert {a.kind for a in annotations(ended.log)} == {"warning"}, "of the missing record only"
    assert not ended.annotations("warning")


def test_a_refusal_is_one_error_with_what_until_when_and_what_to_do(workspace: Workspace) -> None:
    policy = frozen(*LOCKED, "override: {roles: [sre-lead, duty-manager]}\n")
    workspace.write(policy)
    ended = workspace.run(environment="production", service="rsvp")
    assert ended.code == 3
    (error,) = ended.annotations("error")
    until = datetime.fromisoformat(ended.outputs["locked-until"])
    assert ended.outputs["next-change"] == ended.outputs["locked-until"]
    assert error.properties["title"].startswith(
        "Saturday Gate: deploy to production/rsvp denied until "
    )
    assert f"{until:%d %b %Y}" in error.properties["title"]
    assert "window freeze" in error.message
    assert "still allowed: scale-up, rollback" in error.message
    assert "ask sre-lead or duty-manager" in error.message
    (reason,) = json.loads(ended.outputs["reasons"])
    assert (reason["code"], reason["window"]) == ("window", "freeze")
    assert ended.outputs["phase"] == "locked"


@pytest.mark.parametrize(
    ("more", "policy", "code", "verdict", "effect"),
    [
        ({}, frozen(*LOCKED), 3, "deny", "block"),
        ({"mode": "report"}, frozen(*LOCKED), 0, "deny", "block"),
        ({"action": "rollback"}, frozen(*LOCKED), 0, "allow", "allow"),
        ({}, frozen(*LOCKED, "mode: warn\n"), 0, "deny", "warn"),
        ({}, "nonsense", 4, "undecided", "block"),
        ({"mode": "report"}, "nonsense", 0, "undecided", "block"),
        ({"mode": "wait"}, "nonsense", 4, "undecided", "block"),
    ],
)
def test_modes_make_exit_codes_of_verdicts(
    workspace: Workspace, more: dict[str, str], policy: str, code: int, verdict: str, effect: str
) -> None:
    workspace.write(policy)
    ended = workspace.run(**more)
    assert ended.code == code
    assert (ended.outputs["verdict"], ended.outputs["effect"]) == (verdict, effect)
    errors, warnings = ended.annotations("error"), ended.annotations("warning")
    assert bool(errors) == (code != 0)
    assert bool(warnings) == (code == 0 and verdict != "allow")


def test_what_is_wrong_with_a_policy_is_annotated_where_it_stands(workspace: Workspace) -> None:
    workspace.write(f"{HEAD}lead: soon\nwindws: []\n")
    ended = workspace.run()
    assert ended.code == 4
    errors = ended.annotations("error")
    assert {error.properties["file"] for error in errors} == {".gate/policy.yaml"}
    assert {error.properties["line"] for error in errors} == {"4", "5"}
    assert any("windws" in error.properties["title"] for error in errors)
    (reason,) = json.loads(ended.outputs["reasons"])
    assert reason["code"] == "policy-invalid"
    assert (ended.outputs["phase"], ended.outputs["level"]) == ("", "")


def test_a_bad_calendar_may_be_let_through_by_the_policy(workspace: Workspace) -> None:
    (workspace.folder / ".gate/calendar.csv").write_text("id,date\n")
    assert workspace.run().code == 4
    workspace.write(f"{HEAD}on_undecided: allow\n")
    ended = workspace.run()
    assert (ended.code, ended.outputs["effect"]) == (0, "warn")
    assert not ended.annotations("error")
    assert ended.annotations("warning")


@pytest.mark.parametrize(("hours", "said"), [(1, "very soon locked"), (20, "a lock is near")])
def test_a_lock_that_is_near_is_announced(workspace: Workspace, hours: int, said: str) -> None:
    ahead = timedelta(hours=hours)
    workspace.write(frozen(ahead, ahead + timedelta(hours=3)))
    ended = workspace.run()
    assert ended.code == 0
    (notice,) = ended.annotations("notice")
    assert said in notice.properties["title"]
    workspace.write(frozen(timedelta(hours=30), timedelta(hours=33)))
    assert not workspace.run().annotations("notice")


def test_json_is_alone_on_standard_output(workspace: Workspace) -> None:
    workspace.write(frozen(*LOCKED))
    ended = workspace.run("--json", environment="production")
    decision = json.loads(ended.log)
    assert decision["verdict"] == "deny"
    assert decision["request"] == {
        "action": "deploy", "invoker": "automation", "environment": "production",
        "repository": "weddings/platform", "actor": "ann",
    }  # fmt: skip
    assert [a.kind for a in annotations(ended.err)] == ["warning", "error"]


def test_decisions_that_are_recorded_nowhere_are_kept_in_the_workspace(
    workspace: Workspace,
) -> None:
    first, second = workspace.run(), workspace.run(environment="staging")
    (warning,) = (a for a in annotations(second.log) if a.kind == "warning")
    assert "gate-decisions.jsonl" in warning.message
    assert [kept["id"] for kept in second.kept] == [
        ended.outputs["decision-id"] for ended in (first, second)
    ]
    assert second.kept[1]["request"]["environment"] == "staging"


def test_a_link_in_the_place_of_the_record_is_not_followed(workspace: Workspace) -> None:
    (workspace.folder / "gate-decisions.jsonl").symlink_to(workspace.folder / "output")
    ended = workspace.run()
    assert ended.code == 0
    assert ended.outputs.keys() == ALWAYS
    assert any("not kept" in a.properties["title"] for a in annotations(ended.log))


def test_without_files_of_github_the_answer_stands_in_the_log(workspace: Workspace) -> None:
    workspace.environ |= {"GITHUB_OUTPUT": "", "GITHUB_STEP_SUMMARY": "", "GITHUB_ACTIONS": ""}
    ended = workspace.run()
    assert (ended.code, ended.outputs, ended.summary) == (0, {}, "")
    assert "gate check" in ended.log
    assert "allowed" in ended.log


def test_an_output_that_cannot_be_written_ends_the_step(workspace: Workspace) -> None:
    workspace.environ["GITHUB_OUTPUT"] = str(workspace.folder)
    ended = workspace.run()
    assert ended.code == 4
    assert "directory" in ended.err


def test_a_summary_that_cannot_be_written_is_only_told(workspace: Workspace) -> None:
    workspace.environ["GITHUB_STEP_SUMMARY"] = str(workspace.folder / ".gate")
    ended = workspace.run()
    assert ended.code == 0
    assert any("no summary" in a.properties["title"] for a in annotations(ended.log))


def test_an_ordinary_step_loads_no_heavy_library(workspace: Workspace) -> None:
    heavy = ("rich", "psycopg", "github", "requests", "cryptography", "asyncio")
    program = (
        "import sys\nfrom gate.cli.main import main\n"
        "try:\n    main(['action'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({heavy!r})), file=sys.stderr)\n"
    )
    _, environ = workspace.command({})
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "🟩" in (workspace.folder / "summary").read_text()
