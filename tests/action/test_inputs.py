"""Inputs: what they may be, and that all that is wrong with them is said at once."""

from pathlib import Path

import pytest

from tests.action.support import NEVER, WEDDINGS, Workspace


def test_every_bad_input_is_named_at_once(workspace: Workspace) -> None:
    ended = workspace.run(
        policy="none.yaml", calendar="\n .gate \n\nother.csv\n", action="deploi", mode="wiat",
        wait_timeout="soon", audit="always",
    )  # fmt: skip
    assert (ended.code, ended.outputs, ended.summary) == (2, {}, "")
    errors = ended.annotations("error")
    assert [error.properties["title"].removeprefix("Saturday Gate: ") for error in errors] == [
        "action", "mode", "wait-timeout", "audit", "policy", "calendar", "calendar",
    ]  # fmt: skip
    assert [error.properties.get("file") for error in errors[4:]] == [
        "none.yaml", ".gate", "other.csv",
    ]  # fmt: skip
    assert "not one of fail, wait, report" in errors[1].message


@pytest.mark.parametrize("mode", ["fail", "report", "wait"])
def test_bad_input_fails_in_every_mode(workspace: Workspace, mode: str) -> None:
    assert workspace.run(mode=mode, policy="none.yaml").code == 2


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"audit": "required"}, "audit"),
        ({"server": "gate.example.com"}, "server"),
        ({"server": "https://user:secret@gate.example.com"}, "server"),
        ({"server": "https://gate.example.com:99999"}, "server"),
        ({"server": "https://[gate"}, "server"),
        ({"server": "https://gate.example.com", "dsn": "dbname=x"}, "server"),
        ({"dsn": "nonsense:/"}, "dsn"),
        ({"wait_timeout": "9999d"}, "wait-timeout"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    workspace: Workspace, inputs: dict[str, str], field: str
) -> None:
    ended = workspace.run(**inputs)
    assert ended.code == 2
    (error,) = ended.annotations("error")
    assert error.properties["title"] == f"Saturday Gate: {field}"
    assert "secret" not in ended.log


def test_empty_inputs_are_the_defaults(workspace: Workspace) -> None:
    names = ("policy", "calendar", "environment", "action", "mode", "wait_timeout", "server",
             "dsn", "audit", "github_token")  # fmt: skip
    assert workspace.run(**dict.fromkeys(names, " ")).code == 0


def test_several_calendars_are_read(workspace: Workspace) -> None:
    more = WEDDINGS.replace("\na,", "\nb,")
    (workspace.folder / "more.csv").write_text(more)
    ended = workspace.run(calendar=".gate/calendar.csv\n\n  more.csv\n")
    assert ended.code == 0
    assert ended.kept[0]["calendar"]["weddings"] == 2


def test_the_timeout_is_read_under_both_names(workspace: Workspace) -> None:
    workspace.environ["INPUT_WAIT_TIMEOUT"] = "soon"
    assert workspace.run().code == 2
    assert workspace.run(wait_timeout="1m").code == 0


def test_blanks_around_a_target_do_not_change_it(workspace: Workspace) -> None:
    assert workspace.run(environment="production\n").kept[0]["request"]["environment"] == (
        "production"
    )


def test_a_target_that_is_no_text_is_refused(workspace: Workspace) -> None:
    ended = workspace.run(environment="prod\udcff")
    assert ended.code == 2
    assert "UTF-8" in ended.annotations("error")[0].message


def test_without_a_workspace_paths_start_here(workspace: Workspace, tmp_path: Path) -> None:
    here = tmp_path / "absolute.yaml"
    here.write_text(NEVER)
    workspace.environ["GITHUB_WORKSPACE"] = ""
    ended = workspace.run(policy=str(here), calendar=str(workspace.folder / ".gate/calendar.csv"))
    assert ended.code == 0
