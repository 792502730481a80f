"""Files of manifests are read as kubectl reads them, or refused with their line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.manifests import MAX_BYTES, read_manifests
from gate.core.problems import InputError

HEAD = "apiVersion: v1\nkind: ConfigMap\n"


def read(text: str) -> list[Any]:
    return [each.content for each in read_manifests(text.encode(), "m.yaml")]


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as error:
        read_manifests(data, "m.yaml")
    return str(error.value)


def test_documents_and_lists_give_their_objects_with_their_places() -> None:
    text = (
        f"# the first\n---\n{HEAD}metadata: {{name: a}}\n---\n---\nkind: List\napiVersion: v1\n"
        "metadata: {}\nitems:\n- kind: A\n  apiVersion: v1\n\n- {kind: B, apiVersion: v1}\n"
        "---\nkind: C\napiVersion: v1\n...\n"
    )
    found = read_manifests(text.encode(), "m.yaml")
    assert [(each.content["kind"], each.document, each.line) for each in found] == [
        ("ConfigMap", 1, 3), ("A", 3, 12), ("B", 3, 15), ("C", 4, 17),
    ]  # fmt: skip


def test_json_may_hold_several_objects_one_after_the_other() -> None:
    text = '\n{"kind": "A", "apiVersion": "v1"}\n\n{"kind": "ListOfB", "apiVersion": "v1"}'
    found = read_manifests(text.encode(), "m.json")
    assert [(each.content["kind"], each.document, each.line) for each in found] == [
        ("A", 1, 2), ("ListOfB", 2, 4),
    ]  # fmt: skip
    listed = '{"kind": "PodList", "apiVersion": "v1", "items": [{"kind": "A", "apiVersion": "v1"}]}'
    assert read(listed) == [{"kind": "A", "apiVersion": "v1"}]


def test_what_begins_as_json_may_be_yaml() -> None:
    assert read("{kind: A, apiVersion: v1, x: yes}") == [
        {"kind": "A", "apiVersion": "v1", "x": True}
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("Off", False), ("y", True), ("true", True), ('"yes"', "yes"),
        ("", None), ("~", None), ("Null", None), ("nULL", "nULL"),
        ("5", 5), ("-5", -5), ("+5", 5), ("1_000", 1000), ("0777", 511), ("0o777", 511),
        ("0x1F", 31), ("0b101", 5), ("08", 8.0), ("1.5", 1.5), ("1e3", "1e3"), ("1e+3", 1000.0),
        ("12:30", "12:30"), ("2026-06-13", "2026-06-13"), ("1.2.3", "1.2.3"), ("'5'", "5"),
        ("!!str 5", "5"), ("|\n  a\n  b", "a\nb\n"), ("500m", "500m"), ("<<", "<<"), ("_1", "_1"),
        ("9223372036854775807", 2**63 - 1),
    ],
)  # fmt: skip
def test_scalars_mean_what_they_mean_to_kubectl(text: str, value: object) -> None:
    (content,) = read(f"{HEAD}x: {text}\n")
    assert content["x"] == value
    assert type(content["x"]) is type(value)


def test_keys_are_text() -> None:
    (content,) = read(f"{HEAD}data: {{80: a, yes: b, '80x': c}}\n")
    assert content["data"] == {"80": "a", "true": "b", "80x": "c"}


def test_anchors_and_merges() -> None:
    text = (
        f"{HEAD}one: &one {{a: 1, b: 2}}\ntwo: &two [x]\nthree: {{<<: *one, b: 3}}\nfour: *two\n"
        "five: {b: 0, <<: [{b: 9, c: 1}, {c: 2, d: 3}]}\nsix: {'<<': {a: 1}}\n"
    )
    (content,) = read(text)
    assert content["three"] == {"a": 1, "b": 3}
    assert content["four"] == ["x"]
    assert content["five"] == {"b": 0, "c": 1, "d": 3}
    assert content["six"] == {"<<": {"a": 1}}
    assert "document" not in refused(f"{HEAD}one: &one 1\n---\n{HEAD}two: *one\n".encode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "m.yaml: holds no object"),
        ("---\n# nothing\n", "m.yaml: holds no object"),
        ("kind: List\napiVersion: v1\nitems: []\n", "m.yaml: holds no object"),
        ("- 1\n", "m.yaml:1: document 1: is no object"),
        ("text\n", "m.yaml:1: document 1: is no object"),
        (f"{HEAD}---\nkind: A\n", "m.yaml:4: document 2: apiVersion: is missing"),
        ("apiVersion: 1\nkind: A\n", "m.yaml:1: document 1: apiVersion: is missing or no text"),
        ("apiVersion: v1\nkind:\n", "m.yaml:1: document 1: kind: is missing or no text"),
        ("apiVersion: v1\nkind: AList\nitems: 1\n", "m.yaml:1: document 1: items: is no list"),
        ("apiVersion: v1\nkind: List\nitems: [1]\n", "m.yaml:3: document 1: is no object"),
        (f"{HEAD}kind: B\n", "m.yaml:3: has the key 'kind' twice"),
        (f"{HEAD}x: [\n", "is not YAML"),
        (f"{HEAD}\tx: 1\n", "m.yaml:3: is not YAML"),
        (f"{HEAD}x: *y\n", "m.yaml:3: has the alias *y without an anchor"),
        (f"{HEAD}x: &x [*x]\n", "m.yaml:3: has the alias *x without an anchor"),
        (f"{HEAD}x: !!binary aGk=\n", "m.yaml:3: has a tag"),
        (f"{HEAD}x: !mine [a]\n", "m.yaml:3: has a tag"),
        (f"{HEAD}? [a]\n: b\n", "m.yaml:3: has a key that is no text"),
        (f"{HEAD}<<: a\n", "m.yaml:3: merges what is no mapping"),
        (f"{HEAD}x: .inf\n", "m.yaml:3: holds a number that is not finite"),
        (f"{HEAD}x: 9223372036854775808\n", "m.yaml:3: holds an integer of more than 64 bits"),
        (f"{HEAD}x: {'1' * 5000}\n", "m.yaml:3: holds an integer of more than 64 bits"),
        (f"{HEAD}x: 0x{'f' * 5000}\n", "m.yaml:3: holds an integer of more than 64 bits"),
        (f"{HEAD}x: {'[' * 150}{']' * 150}\n", "m.yaml:3: is nested more than 100 levels deep"),
        ('{"kind": "A",\n"x" 5}', "m.yaml:2: is not JSON: Expecting ':' delimiter"),
        ('{"kind": "A", "x": {"a": 1, "a": 2}}', "m.yaml:1: has the key 'a' twice"),
        ('{"kind": "A", "x": "\\ud800", "y": "\\"}', "is not JSON"),
        ('{"kind": "A", "apiVersion": "\\ud800"}', "m.yaml:1: holds half of a surrogate pair"),
        ('{"a":' * 5000, "m.yaml:1: is nested more than 100 levels deep"),
        ('{"a":' * 150 + "1" + "}" * 150, "m.yaml:1: is nested more than 100 levels deep"),
    ],
)
def test_what_is_no_manifest_is_refused_where_it_stands(text: str, said: str) -> None:
    assert said in refused(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    assert refused(b"a: 1\nb: \xff\n").startswith("m.yaml:2: is not UTF-8: byte 0xff")
    assert "m.yaml" in refused(b"a: \x00\n")
    assert f"more than {MAX_BYTES} bytes" in refused(b" " * (MAX_BYTES + 1))
    (content,) = read("\ufeff" + HEAD)
    assert content == {"apiVersion": "v1", "kind": "ConfigMap"}


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "m.yaml:6: has more than 1000000 nodes" in refused("\n".join(lines).encode())


def test_every_bad_document_is_named() -> None:
    said = refused(b"kind: A\n---\nkind: B\n---\napiVersion: v1\n")
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "document 1", "document 2", "document 3",
    ]  # fmt: skip


@given(
    st.binary(max_size=200) | st.text(alphabet="{}[]:,-&*<>!\"'\n ak1", max_size=80).map(str.encode)
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read_manifests(data, "m.yaml")
    except InputError:
        return
    assert found
