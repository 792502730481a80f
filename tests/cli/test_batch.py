"""`gate check --batch`: an answer for every line, in order, whatever the lines hold."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gate.inputs import lines
from tests.cli.run import Outcome
from tests.cli.test_check import SATURDAY, TUESDAY, Files, own_cache

__all__ = ["own_cache"]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def answered(files: Files, data: bytes, *options: object) -> Outcome:
    path = files.policy.with_name("lines.jsonl")
    path.write_bytes(data)
    return files.check("--batch", path, *options)


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def test_decisions_come_in_order_and_denials_do_not_fail_the_batch(files: Files) -> None:
    data = b"".join(line(at=at) for at in (SATURDAY, TUESDAY, SATURDAY))
    outcome = answered(files, data)
    assert outcome.code == 0
    assert [each["verdict"] for each in outcome.lines] == ["deny", "allow", "deny"]
    assert len({each["id"] for each in outcome.lines}) == 3


def test_options_are_the_defaults_and_null_counts_as_left_out(files: Files) -> None:
    data = line() + line(at=TUESDAY, action="config", environment=None) + line(environment="")
    outcome = answered(
        files, data, "--at", SATURDAY, "--environment", "production", "--action", "restart"
    )
    requests = [each["request"] for each in outcome.lines]
    assert requests == [
        {"action": "restart", "invoker": "automation", "environment": "production"},
        {"action": "config", "invoker": "automation", "environment": "production"},
        {"action": "restart", "invoker": "automation"},
    ]
    assert outcome.lines[1]["at"] == TUESDAY


def test_every_field_of_a_line_is_used(files: Files) -> None:
    fields = {
        "action": "scale-up", "invoker": "human", "environment": "e", "namespace": "n",
        "service": "s", "repository": "o/r", "actor": "ann",
    }  # fmt: skip
    outcome = answered(files, line(at=SATURDAY, **fields))
    assert outcome.lines[0]["request"] == fields


@pytest.mark.parametrize(
    ("raw", "field", "says"),
    [
        (b"", None, "blank"),
        (b"   \r", None, "blank"),
        (b"{", None, "not JSON"),
        (b"[]", None, "not a JSON object"),
        (b'"text"', None, "not a JSON object"),
        (b"\xff\xfe", None, "not JSON"),
        (b'{"at": NaN}', None, "not JSON"),
        (b'{"at": "\\ud800"}', "at", "surrogate"),
        (b'{"environment": 1e999}', "environment", "text"),
        (b'{"environment": ' + b"1" * 5000 + b"}", "environment", "text"),
        (b'{"action": "deploy", "action": "rollback"}', "action", "twice"),
        (b'{"at": null, "environment": "a", "at": null}', "at", "twice"),
        (b"[" * 100_000, None, "nested too deeply"),
        (b'{"at": 5}', "at", "text"),
        (b'{"at": ""}', "at", "not an instant"),
        (b'{"at": "2026-06-13T12:00:00"}', "at", "no offset"),
        (b'{"action": "destroy"}', "action", "not one of"),
        (b'{"action": ""}', "action", "not one of"),
        (b'{"invoker": "robot"}', "invoker", "not one of"),
        (b'{"environment": ["a"]}', "environment", "text"),
        (b'{"enviroment": "a"}', "enviroment", "unknown field"),
        (b'{"dsn": "x"}', "dsn", "unknown field"),
    ],
)
def test_a_bad_line_is_answered_in_its_place(
    files: Files, raw: bytes, field: str | None, says: str
) -> None:
    outcome = answered(files, line(at=TUESDAY) + raw + b"\n" + line(at=SATURDAY))
    assert outcome.code == 2
    first, bad, last = outcome.lines
    assert (first["verdict"], last["verdict"]) == ("allow", "deny")
    assert (bad["error"]["line"], bad["error"]["field"]) == (2, field)
    assert says in bad["error"]["message"]


def test_quotes_within_text_are_no_second_key(files: Files) -> None:
    fields = {"environment": 'a"b"', "service": "\\\\", "actor": "x"}
    outcome = answered(files, line(at=SATURDAY, **fields))
    assert outcome.code == 0
    assert outcome.lines[0]["request"]["environment"] == 'a"b"'


def test_the_last_line_needs_no_newline_and_an_empty_batch_is_fine(files: Files) -> None:
    assert len(answered(files, line(at=TUESDAY).rstrip()).lines) == 1
    empty = answered(files, b"")
    assert (empty.code, empty.out) == (0, "")


def test_a_line_without_end_is_bounded(files: Files) -> None:
    long = b'{"actor": "' + b"x" * (3 << 20) + b'"}\n'
    outcome = answered(files, line(at=TUESDAY) + long + line(at=SATURDAY) + b"y" * (2 << 20))
    assert [("error" in each) for each in outcome.lines] == [False, True, False, True]
    assert outcome.lines[1]["error"]["line"] == 2


def test_undecided_lines_exit_4_and_bad_ones_go_first(files: Files) -> None:
    files.policy.write_text("version: 3\n")
    outcome = answered(files, line(at=SATURDAY) + line())
    assert outcome.code == 4
    assert {each["verdict"] for each in outcome.lines} == {"undecided"}
    assert answered(files, line(at=SATURDAY) + b"\n").code == 2


def test_a_file_that_is_not_there_is_usage(files: Files) -> None:
    assert files.check("--batch", files.policy.with_name("none")).code == 2


def test_each_line_of_a_pipe_is_answered_at_once(files: Files) -> None:
    command_line: list[str | Path] = [
        sys.executable, "-m", "gate", "check", "--policy", files.policy, "--calendar",
        files.calendar, "--batch", "-",
    ]  # fmt: skip
    with subprocess.Popen(
        command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for at, verdict in [(SATURDAY, b'"deny"'), (TUESDAY, b'"allow"')]:
            running.stdin.write(line(at=at))
            assert verdict in running.stdout.readline()
        running.stdin.close()
        assert running.wait() == 0


def test_a_request_that_msgspec_refuses_for_no_reason_we_know_is_still_a_bad_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "_fault", lambda *_: None)
    assert lines._explained(b'{"at": 5}').message == "not readable as a request"
