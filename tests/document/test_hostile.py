"""Any document is judged within five seconds, whatever it is.

The measure is the processor time of this process, so that a busy machine fails nobody.
"""

import time
from collections.abc import Iterator

import pytest

from gate.core.document import MAX_POLICY_BYTES, policy_warnings, read_policy
from gate.core.problems import InputError
from tests.document.documents import HEAD

LIMIT_SECONDS = 5.0
MILLION = 1_000_000


def _lines(line: str, count: int) -> str:
    return "".join(line.format(n=number) for number in range(count))


def _windows(inside: str, count: int) -> str:
    return f"{HEAD}windows:\n" + _lines(f"- {{{{name: w{{n}}, {inside}}}}}\n", count)


SYNTAX = {
    "tag directives": _lines("%TAG !a{n}! x\n", 70_000) + "---\na: 1\n",
    "opening brackets": "[" * 100_000,
    "brackets": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 100_000,
    "keys of keys": "a: " * 300_000,
    "explicit keys": "? " * 300_000,
    "dashes": "- " * 300_000,
    "a long key": "a" * MILLION + ": 1\n",
    "a long explicit key": "? " + "a" * MILLION + "\n: 1\n",
    "a long tag": "a: !" + "a" * MILLION + " 1\n",
    "a long anchor": f"{HEAD}name: &{'a' * MILLION} 1\n",
    "a long alias": f"{HEAD}name: *{'a' * MILLION}\n",
    "ten to the tenth nodes": "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
    "two to the fortieth nodes": "a0: &a0 x\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    "deep aliases": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 99)),
    "aliases to bad windows": f"{HEAD}windows: [&w {{name: a, rrule: FREQ=NO, y: 1}},"
    + "*w," * 14_000
    + "]\n",
    "blank lines and NUL": "\n" * MILLION + "\0",
    "JSON of blanks": "{" + " " * MILLION,
    "JSON that is none in the end": '{"version":1,"windows":[' + '"FREQ=DAILY",' * 70_000 + "]} x",
    "two documents": f"{HEAD}---\n" * 30_000,
}
VALUES = {
    "unknown keys": HEAD + _lines("key{n}: 1\n", 49_000),
    "long unknown keys": HEAD + _lines("windows" + "x" * 50 + "{n}: 1\n", 14_000),
    "duplicate keys": HEAD + "a: 1\n" * 49_000,
    "bad zones": f"{HEAD}windows: [{{name: a, rrule: FREQ=DAILY, zones: [{'Londn,' * 90_000}]}}]\n",
    "bad windows": _windows("rrul: FREQ=DAILY, x: [], y: 3, days: 0", 10_000),
    "windows of one name": f"{HEAD}windows:\n" + "- {name: a, rrule: FREQ=DAILY}\n" * 10_000,
    "rules that never occur": _windows("rrule: FREQ=DAILY;BYSETPOS=2;BYMONTH=1", 12_000),
    "a number with a vast exponent": f"{HEAD}load: {{saturday: 1e-99999999}}\n",
    "a number of a million digits": f"{HEAD}load: {{saturday: {'1' * MILLION}}}\n",
    "a duration of a million digits": f"{HEAD}lead: {'9' * MILLION}s\n",
    "a date of a million letters": f"{HEAD}windows: [{{name: a, start: {'T' * MILLION}}}]\n",
    "a zone of a million letters": f"version: 1\ntimezone: {'a' * MILLION}\n",
    "bad cells": f"{HEAD}actions: {{deploy: {{lead: {{{_lines('k{n}: 1,', 49_000)}}}}}}}\n",
    "numbers for names": f"{HEAD}exempt: [{'1,' * 90_000}]\n",
}
_NUMBERED = ",".join(
    f"{sign}{nth}{day}"
    for sign in ("", "-")
    for nth in range(1, 54)
    for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
)
GOOD = {
    "one anchor again and again": f"{HEAD}exempt:\n" + "- &a x\n" * 90_000,
    "ten thousand windows": _windows("rrule: FREQ=WEEKLY;BYDAY=SA", 10_000),
    "ten thousand windows of many rules": _windows(
        "rrule: FREQ=WEEKLY;BYDAY=SA;INTERVAL=1{n}, except: [2026-08-15]", 10_000
    ),
    "a name of a million letters": f"{HEAD}name: {'a' * MILLION}\n",
    "many exceptions": f"{HEAD}windows: [{{name: a, rrule: FREQ=WEEKLY, except: ["
    + "2026-08-15," * 90_000
    + "]}]\n",
    "rules that count far": _windows("rrule: FREQ=DAILY;COUNT=7{n}, except: [2199-01-01]", 9_000),
    "rules that pick the last day of leap years": _windows(
        "rrule: 'FREQ=YEARLY;BYSETPOS=366;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=1{n}',"
        " since: 2097-01-01",
        7_000,
    ),
    "rules with every numbered weekday": _windows(
        f"rrule: 'FREQ=MONTHLY;BYDAY={_NUMBERED};COUNT=1{{n}}'", 240
    ),
    "small numbers": f"{HEAD}load: {{venues: {{{_lines('v{n}: 1e-399,', 49_000)}}}}}\n",
}


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < LIMIT_SECONDS


@pytest.mark.parametrize("name", [*SYNTAX, *VALUES])
def test_a_hostile_document_is_refused_in_time(name: str) -> None:
    data = {**SYNTAX, **VALUES}[name].encode()[:MAX_POLICY_BYTES]
    with pytest.raises(InputError) as refused:
        read_policy(data, "policy.yaml")
    assert len(str(refused.value)) < 100_000
    assert len(refused.value.problems) <= 101


@pytest.mark.parametrize("name", GOOD)
def test_a_large_document_is_read_in_time(name: str) -> None:
    data = GOOD[name].encode()
    assert len(data) <= MAX_POLICY_BYTES
    policy_warnings(read_policy(data, "policy.yaml"), data, "policy.yaml")


def test_a_hundred_megabytes_are_refused_by_their_size() -> None:
    with pytest.raises(InputError, match="100000000 bytes"):
        read_policy(b"[" * 100_000_000, "policy.yaml")
