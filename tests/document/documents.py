"""What the tests of documents share: a smallest policy, and problems as plain tuples."""

import json
from collections.abc import Callable

from gate.core.document import read_policy
from gate.core.policy import Policy, Window
from gate.core.problems import InputError, Problem

HEAD = "version: 1\ntimezone: Europe/London\n"


def policy(text: str) -> Policy:
    """The policy of a document's text."""
    return read_policy(text.encode(), "policy.yaml")


def with_head(text: str) -> Policy:
    """The policy of a document's text behind the two required lines."""
    return policy(HEAD + text)


def window(text: str) -> Window:
    """The only window of a policy, given in flow style without its name."""
    (only,) = with_head(f"windows: [{{name: w, {text}}}]\n").windows
    return only


def problems(
    text: str | bytes, read: Callable[[bytes, str], object] = read_policy
) -> list[tuple[int | None, str | None, str]]:
    """Line, field and message (with the mend) of each problem."""
    data = text.encode() if isinstance(text, str) else text
    found: tuple[Problem, ...] = ()
    try:
        read(data, "policy.yaml")
    except InputError as error:
        found = error.problems
    assert all(one.file == "policy.yaml" for one in found)
    return [
        (one.line, one.field, f"{one.message} ({one.mend})" if one.mend else one.message)
        for one in found
    ]


def fields(text: str) -> list[tuple[int | None, str | None]]:
    """Line and field of each problem of a policy."""
    return [(line, field) for line, field, _ in problems(text)]


def as_json(**sections: object) -> str:
    """A policy in JSON."""
    return json.dumps({"version": 1, "timezone": "Europe/London", **sections})
