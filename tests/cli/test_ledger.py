"""`gate audit` on a real PostgreSQL."""

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from gate.store.connect import Target, connect_anyway
from tests.cli.conftest import Gate
from tests.cli.support import INPUTS, POLICY


def test_every_act_is_a_row_that_can_be_found(gate: Gate, store: Target) -> None:
    lock = gate("lock", "set", "--reason", "failover", "--json").json
    gate("lock", "release", lock["id"], "--by", "bob")
    gate("policy", "import", POLICY)
    rows = gate("audit", "list", "--json").json
    assert [(row["seq"], row["kind"], row["action"], row["actor"]) for row in rows] == [
        (3, "policy", "store", "ann"),
        (2, "lock", "release", "bob"),
        (1, "lock", "set", "ann"),
    ]
    assert {row["door"] for row in rows} == {"command"}
    assert rows[2]["payload"]["details"]["reason"] == "failover"

    def found(*options: str) -> list[int]:
        return [row["seq"] for row in gate("audit", "list", *options, "--json").json]

    assert found("--actor", "ann") == [3, 1]
    assert found("--kind", "lock") == [2, 1]
    assert found("--limit", "1") == [3]
    assert found("--limit", "1", "--after", "3") == [2]
    assert found("--to", "2020-01-01T00:00:00Z") == []
    assert found("--verdict", "deny") == []
    text = gate("audit", "list", "--limit", "2").out
    assert "lock release" in text
    assert "older rows: --after 2" in text
    assert "no rows" in gate("audit", "list", "--door", "webhook").out
    bad = gate("audit", "list", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z")
    assert bad.code == 2


def test_a_row_is_shown_by_number_and_by_id(gate: Gate, store: Target) -> None:
    gate("lock", "set", "--reason", "failover")
    by_seq = gate("audit", "show", "1", "--json").json
    assert by_seq["prev_hash"] == "0" * 64
    assert gate("audit", "show", by_seq["id"], "--json").json == by_seq
    text = gate("audit", "show", "1").out
    assert by_seq["hash"] in text
    assert '"reason": "failover"' in text
    for which in ("2", "nonsense", "0198c0de-0000-7000-8000-000000000000"):
        ended = gate("audit", "show", which)
        assert (ended.code, ended.out) == (2, "")
        assert which in ended.err


def test_export_streams_lines_and_csv(gate: Gate, store: Target) -> None:
    for reason in ("one", "two", "three"):
        gate("lock", "set", "--reason", reason)
    lines = gate("audit", "export").lines
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert gate("audit", "export", "--json").lines == lines
    assert [line["seq"] for line in gate("audit", "export", "--after", "1").lines] == [2, 3]
    table = list(csv.DictReader(io.StringIO(gate("audit", "export", "--format", "csv").out)))
    assert [row["seq"] for row in table] == ["1", "2", "3"]
    assert json.loads(table[2]["payload"])["details"]["reason"] == "three"
    assert gate("audit", "export", "--format", "csv", "--json").code == 2


def test_verify_finds_what_was_edited(gate: Gate, store: Target) -> None:
    for reason in ("one", "two", "three"):
        gate("lock", "set", "--reason", reason)
    whole = gate("audit", "verify", "--json")
    assert whole.code == 0
    assert whole.json == {"ok": True, "rows": 3, "first_bad_seq": None, "why": None}
    assert "the ledger is whole: 3 rows" in gate("audit", "verify").out
    _tamper(store, "UPDATE saturday_protection_audit SET actor = 'mallory' WHERE seq = 2")
    edited = gate("audit", "verify", "--json")
    assert edited.code == 3
    assert (edited.json["ok"], edited.json["first_bad_seq"]) == (False, 2)
    assert "row 2: " in gate("audit", "verify").out


def test_a_checkpoint_convicts_a_ledger_cut_short(
    gate: Gate, store: Target, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reason in ("one", "two"):
        gate("lock", "set", "--reason", reason)
    note = tmp_path / "ledger.note"
    note.write_text(gate("audit", "checkpoint", "--key", key).out)
    assert note.read_text().splitlines()[:2] == ["saturday-gate", "2"]
    monkeypatch.setenv("GATE_CHECKPOINT_KEY", key)
    named = gate("audit", "checkpoint", "--origin", "example.com/gate", "--json").json
    assert (named["origin"], named["size"]) == ("example.com/gate", 2)
    monkeypatch.setenv("GATE_CHECKPOINT_KEY", Path(key).read_text())
    assert gate("audit", "checkpoint", "--origin", "example.com/gate").code == 0
    against = ("--against", str(note), "--key", key)
    assert gate("audit", "verify", *against).code == 0
    _tamper(
        store,
        "DELETE FROM saturday_protection_audit WHERE seq = 2",
        "UPDATE ledger_head SET seq = 1, hash ="
        " (SELECT hash FROM saturday_protection_audit WHERE seq = 1)",
    )
    assert gate("audit", "verify").code == 0
    cut = gate("audit", "verify", *against, "--json")
    assert (cut.code, cut.json["first_bad_seq"]) == (3, 2)


def test_keys_and_notes_that_are_none_are_bad_input(
    gate: Gate, store: Target, key: str, tmp_path: Path
) -> None:
    missing = gate("audit", "checkpoint")
    assert missing.code == 2
    assert "openssl genpkey" in missing.err
    assert gate("audit", "checkpoint", "--key", POLICY).code == 2
    assert gate("audit", "verify", "--against", POLICY).code == 2
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert gate("audit", "verify", "--against", str(binary)).code == 2


def test_prove_inclusion_and_consistency(gate: Gate, store: Target) -> None:
    for reason in ("one", "two", "three"):
        gate("lock", "set", "--reason", reason)
    proof = gate("audit", "prove", "2", "--json").json
    assert (proof["seq"], proof["size"], len(proof["path"])) == (2, 3, 2)
    assert proof["root"] in gate("audit", "prove", "2").out
    grown = gate("audit", "prove", "--old-size", "2", "--size", "3", "--json").json
    assert (grown["old_size"], grown["new_size"]) == (2, 3)
    assert grown["new_root"] == proof["root"]
    assert gate("audit", "prove", "--old-size", "2", "--json").json == grown
    for options in (("4",), ("0",), (), ("1", "--old-size", "1"), ("1", "--size", "9")):
        assert gate("audit", "prove", *options).code == 2, options


def test_the_key_of_the_help_can_be_made_with_openssl(tmp_path: Path) -> None:
    path = tmp_path / "made.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here: apt-get install openssl")
    assert "PRIVATE KEY" in path.read_text()


def _tamper(store: Target, *statements: str) -> None:
    """What the owner of the database could do on purpose."""
    with connect_anyway(store) as connection:
        for table in ("saturday_protection_audit", "ledger_head"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        for statement in statements:
            connection.execute(statement.encode())


def test_decisions_are_found_by_what_they_said(gate: Gate, store: Target) -> None:
    asked = ("check", *INPUTS, "--environment", "production", "--actor", "deploy-bot", "--json")
    denied = gate(*asked, "--at", "2026-06-13T07:00:00Z")
    allowed = gate(*asked, "--at", "2026-06-15T07:00:00Z")
    assert (denied.code, allowed.code) == (3, 0)
    assert denied.json["recorded"] is True

    def found(*options: str) -> list[str]:
        return [row["id"] for row in gate("audit", "list", *options, "--json").json]

    assert found("--verdict", "deny") == found("--effect", "block") == [denied.json["id"]]
    assert found("--verdict", "allow", "--target", "production") == [allowed.json["id"]]
    assert found("--target", "staging") == []
    # The filter of time is on the instant that was asked about.
    assert found("--from", "2026-06-14T00:00:00Z", "--to", "2026-06-16T00:00:00Z") == [
        allowed.json["id"]
    ]
    lines = gate("audit", "list").out.splitlines()
    assert "deploy allow" in lines[1]
    assert "deploy deny" in lines[2]
    assert "deploy-bot" in lines[2]
    assert lines[2].endswith("production")
    assert gate("audit", "show", denied.json["id"]).out.count('"verdict": "deny"') == 1


def test_an_override_that_was_used_shows_in_the_list(gate: Gate, store: Target) -> None:
    granted = gate("override", "grant", "--reason", "the checkout is down", "--for", "1h",
                   "--roles", "sre-lead", "--json").json  # fmt: skip
    gate("override", "approve", granted["id"], "--by", "bob")
    gate("lock", "set", "--reason", "failover")
    ended = gate("check", *INPUTS, "--invoker", "human", "--json")
    assert ended.code == 0
    assert (ended.json["verdict"], ended.json["effect"]) == ("deny", "allow")
    assert ended.json["override"]["id"] == granted["id"]
    assert "deploy deny → allow" in gate("audit", "list", "--kind", "decision").out
    picture = gate("explain", *INPUTS, "--invoker", "human", "--days", "1").out
    assert picture.startswith(" YES, by override ")
    assert "ann until " in picture
    assert ": the checkout is down" in picture
