"""The documents: their shape, their files, what they refuse to be."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.fallback.documents import (
    Document,
    Lock,
    Options,
    compile_lock,
)
from gate.cluster.fallback.rendering import to_yaml
from gate.core.problems import InputError
from gate.core.timeline import Timeline
from tests.cli.run import gate
from tests.core.build import NO_WINDOWS, timeline

AT = datetime(2026, 6, 1, tzinfo=UTC)
SATURDAYS = "windows: [{name: sat, rrule: FREQ=WEEKLY;BYDAY=SA}]\nlevel_lock: {at: never}\n"


def locked(line: Timeline, weeks: int = 12, **options: Any) -> Lock:
    return compile_lock(line, "c" * 64, Options(at=AT, weeks=weeks, **options))


def variables(document: Document) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in document["spec"]["variables"]}


def test_a_policy_and_its_binding_come_first() -> None:
    policy, binding, *expiry = locked(timeline(SATURDAYS)).documents
    assert policy["kind"] == "ValidatingAdmissionPolicy"
    assert binding["kind"] == "ValidatingAdmissionPolicyBinding"
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert binding["spec"]["validationActions"] == ["Deny"]
    assert binding["spec"]["paramRef"] == {
        "namespace": "kube-system",
        "selector": {"matchLabels": {"apiserver.kubernetes.io/identity": "kube-apiserver"}},
        "parameterNotFoundAction": "Deny",
    }
    assert [each["spec"].get("validationActions") for each in expiry] == [None, ["Warn"]]


def test_mode_warn_refuses_nobody_even_where_it_cannot_be_evaluated() -> None:
    policy, binding, *_ = locked(timeline(f"mode: warn\n{SATURDAYS}")).documents
    assert binding["spec"]["validationActions"] == ["Warn"]
    assert policy["spec"]["failurePolicy"] == "Ignore"
    assert locked(timeline(SATURDAYS)).documents[0]["spec"]["failurePolicy"] == "Fail"


def test_namespaces_opt_in_and_the_gates_own_never_does() -> None:
    policy = locked(timeline(SATURDAYS), own_namespace="gates").documents[0]
    assert policy["spec"]["matchConstraints"]["namespaceSelector"] == {
        "matchLabels": {"saturday-gate.io/protect": "true"},
        "matchExpressions": [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["gates", "kube-system"],
            }
        ],
    }


def test_documents_say_what_they_were_compiled_from() -> None:
    line = timeline(f"name: shop\n{SATURDAYS}")
    for document in locked(line, environment="production").documents:
        notes = document["metadata"]["annotations"]
        assert notes["saturday-gate.io/policy-sha256"] == line.policy.sha256
        assert notes["saturday-gate.io/calendar-sha256"] == "c" * 64
        assert notes["saturday-gate.io/policy"] == "shop"
        assert notes["saturday-gate.io/environment"] == "production"
        assert notes["saturday-gate.io/compiled-at"] == "2026-06-01T00:00:00Z"
        assert notes["saturday-gate.io/compiled-until"] == "2026-08-24T00:00:00Z"


def test_names_do_not_change_with_the_content() -> None:
    def names(line: Timeline, **options: Any) -> list[str]:
        return [each["metadata"]["name"] for each in locked(line, **options).documents]

    assert names(timeline(SATURDAYS)) == names(timeline(NO_WINDOWS), weeks=1, environment="x")


def test_cells_that_nobody_is_denied_by_are_left_out() -> None:
    text = SATURDAYS + "actions: {deploy: {locked: {human: deny, automation: allow}}}\n"
    denied = variables(locked(timeline(text)).documents[0])["denied"]
    assert "variables.deploys && variables.human ? ['deploy']" in denied
    assert "['scale-up']" not in denied


def test_a_lock_that_an_api_server_would_not_take_is_refused() -> None:
    """Windows of four hundred scopes, each with all others in force."""
    rows = "".join(
        f"  - {{name: w{n}, rrule: FREQ=DAILY, from: '{n // 60:02}:{n % 60:02}',"
        f" to: '{12 + n // 60:02}:{n % 60:02}', zones: [Etc/UTC], scope: {{services: [s{n}]}}}}\n"
        for n in range(400)
    )
    with pytest.raises(InputError) as caught:
        locked(timeline(f"windows:\n{rows}level_lock: {{at: never}}\n"), 1)
    assert caught.value.problems[0].field == "--weeks"


def test_a_list_that_no_expression_holds_is_refused() -> None:
    names = ", ".join(f"system:serviceaccount:team-{n}:deployer" for n in range(3000))
    with pytest.raises(InputError, match="not-exempt"):
        locked(timeline(f"exempt: [{names}]\n{SATURDAYS}"))


@given(st.lists(st.text() | st.text(" a:'\n", min_size=70, max_size=400), max_size=5))
def test_yaml_says_what_the_documents_say(texts: list[str]) -> None:
    document = {"kind": "X", "texts": texts}
    assert list(yaml.safe_load_all(to_yaml([document, document]))) == [document, document]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    policy, weddings = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    policy.write_text(f"version: 1\ntimezone: Europe/London\n{SATURDAYS}")
    weddings.write_text("id,date,timezone\n1,2026-06-13,Asia/Kolkata\n")
    return ["--policy", str(policy), "--calendar", str(weddings)]


def test_one_document_a_file(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    done = gate("fallback", "compile", *files, "--weeks", 12, "--out", out)
    assert done.code == 0, done.err
    paths = sorted(out.iterdir())
    assert done.out.split() == [str(path) for path in paths]
    kinds = [yaml.safe_load(path.read_text())["kind"] for path in paths]
    assert kinds == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] * 2


def test_the_same_on_standard_output(files: list[str], tmp_path: Path) -> None:
    at = ["--at", "2026-06-01T00:00:00Z"]
    printed = gate("fallback", "compile", *files, *at)
    gate("fallback", "compile", *files, *at, "--out", tmp_path / "out")
    wanted = [yaml.safe_load(path.read_text()) for path in sorted((tmp_path / "out").iterdir())]
    assert list(yaml.safe_load_all(printed.out)) == wanted
    assert json.loads(gate("fallback", "compile", *files, *at, "--json").out)["items"] == wanted


@pytest.mark.parametrize("weeks", ["0", "53", "-1", "x"])
def test_weeks_have_bounds(files: list[str], weeks: str) -> None:
    assert gate("fallback", "compile", *files, "--weeks", weeks).code == 2


def test_an_unreadable_policy_is_bad_input(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 2\n")
    done = gate("fallback", "compile", *files)
    assert done.code == 2
    assert "policy.yaml" in done.err


def test_a_folder_that_cannot_be_written_is_bad_input(files: list[str], tmp_path: Path) -> None:
    done = gate("fallback", "compile", *files, "--out", tmp_path / "policy.yaml" / "x")
    assert done.code == 2
    assert "--out" in done.err
