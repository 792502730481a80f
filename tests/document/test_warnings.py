"""Valid policies that deserve a second look."""

import pytest

from gate.core.document import policy_warnings, read_policy
from gate.core.problems import Problem
from tests.document.documents import HEAD


def warnings(text: str) -> list[Problem]:
    data = (HEAD + text).encode()
    return policy_warnings(read_policy(data, "policy.yaml"), data, "policy.yaml")


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("windows:\n- name: a\n  rrule: FREQ=WEEKLY;BYDAY=SA\n  except:\n"
         "  - 2026-08-15\n  - 2026-08-16\n",
         8, "windows[0].except[1]", "2026-08-16 is no occurrence"),
        ("windows: [{name: a, rrule: FREQ=DAILY;COUNT=3, since: 2026-01-01,"
         " except: [2026-01-03, 2026-01-04]}]\n",
         3, "windows[0].except[1]", "2026-01-04 is no occurrence"),
        ("windows: [{name: a, rrule: FREQ=DAILY, since: 2026-01-01, except: [2025-12-31]}]\n",
         3, "windows[0].except[0]", "2025-12-31 is no occurrence"),
        ("level_lock: {at: never}\nwindows: [{name: a, start: 2026-01-01T00:00:00Z,"
         " end: 2026-01-02T00:00:00Z},\n  {name: b, kind: open, start: 2026-01-02T00:00:00Z,"
         " end: 2026-01-03T00:00:00Z}]\n",
         5, "windows[1]", "can never apply"),
        ("windows: [{name: a, rrule: FREQ=DAILY},\n {name: b, kind: open, rrule: FREQ=DAILY,"
         " zones: [venues]}]\n",
         4, "windows[1].zones", "exactly where weddings take place"),
        ("windows: []\nlevel_lock: {at: never}\n", 1, None, "never locks by itself"),
        ("actions: {restart: {lead: deny,\n locked: {human: allow}}}\n",
         3, "actions.restart", "denied to human ahead of a lock, but allowed during it"),
        ("override: {roles: []}\n", 3, "override.roles", "nobody can override"),
        ("override: {max_ttl: 0s}\n", 3, "override.max_ttl", "no override is ever in force"),
        ("exempt: ['system:serviceaccount:kube-system:*']\n",
         3, "exempt[0]", "taken as an exact name"),
        ("identities: [{user: '*', invoker: human},\n {user: a, invoker: automation}]\n",
         4, "identities[1]", "is never reached: identities[0] matches everybody"),
        ("load: {cache: {NORMAL: {a: x}, HIGH: {b: y},\n MAXIMUM: {a: x}}}\n",
         4, "load.cache.MAXIMUM.a", "is what it is at the level below already"),
        ("load:\n  cache: {HIGH: {a: x}}\n", 4, "load.cache", "has no NORMAL"),
        ("load:\n  observed:\n    source: csv\n    file: load.csv\n",
         6, "load.observed.file", "from the working directory of whoever decides"),
        ("load:\n  observed: {source: csv, file: /a,\n    hold: 0s}\n",
         5, "load.observed.hold", "nothing is ever raised"),
        ("load:\n  observed: {source: prometheus, url: 'http://a', query: up,\n    hold: 4m}\n",
         5, "load.observed.hold", "may come down before the next observation"),
    ],
)  # fmt: skip
def test_a_warning_has_line_and_path(text: str, line: int, field: str | None, words: str) -> None:
    (warning,) = warnings(text)
    assert (warning.file, warning.line, warning.field) == ("policy.yaml", line, field)
    assert words in warning.message


def test_an_open_window_without_any_lock_opens_nothing() -> None:
    found = warnings(
        "level_lock: {at: never}\n"
        "windows: [{name: b, kind: open, start: 2026-01-02T00:00, end: 2026-01-03T00:00}]\n"
    )
    assert [warning.field for warning in found] == ["windows[0]", None]
    assert "opens nothing" in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "windows: [{name: a, rrule: FREQ=WEEKLY;BYDAY=SA, except: [2027-01-02, 2026-08-15]}]\n",
        "windows: [{name: a, rrule: FREQ=DAILY},"
        " {name: b, kind: open, rrule: FREQ=DAILY, zones: [home, venues]}]\n",
        "level_lock: {at: never}\nwindows: [{name: a, start: 2026-01-01T00:00:00Z,"
        " end: 2026-01-02T00:00:00Z}, {name: b, kind: open, start: 2026-01-01T23:00:00Z,"
        " end: 2026-01-03T00:00:00Z}]\n",
        "windows: []\n",
        "identities: [{group: '*', invoker: human}, {user: a, invoker: automation}]\n",
        "identities: [{user: a, invoker: human}, {user: '*', invoker: automation}]\n",
    ],
)
def test_ordinary_policies_are_not_warned_of(text: str) -> None:
    assert warnings(text) == []


def test_without_the_bytes_a_warning_has_a_path_and_no_line() -> None:
    policy = read_policy((HEAD + "exempt: ['*', a, 'b?']\n").encode(), "policy.yaml")
    found = [(one.file, one.line, one.field) for one in policy_warnings(policy)]
    assert found == [(None, None, "exempt[0]"), (None, None, "exempt[2]")]
