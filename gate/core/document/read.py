"""The doors of this package. They load pydantic and the YAML parser only when they are used.

`gate check` decides from a compiled policy in its cache, and must not pay for importing either.
"""

import hashlib
from typing import Any

from gate.core.policy import Policy
from gate.core.problems import Problem

_MAX_WARNINGS = 100


def read_policy(data: bytes, file: str) -> Policy:
    """The policy that a document's bytes mean, with every default filled in.

    ``file`` is how the user named the file; it only serves messages. Raises `InputError` with all
    problems, in the order of their lines.
    """
    from gate.core.document import compile as compiler  # noqa: PLC0415
    from gate.core.document import schema, tree, validate  # noqa: PLC0415
    from gate.core.document.defaults import duplicate_names, fill  # noqa: PLC0415

    document = validate.validate(
        tree.read_tree(data, file),
        schema.PolicyDocument,
        file,
        fill=fill,
        checks=[duplicate_names],
    )
    return compiler.compile_policy(document, hashlib.sha256(data).hexdigest())


def policy_document(data: bytes, file: str) -> dict[str, Any]:
    """The document with its defaults filled in, as plain data; raises as `read_policy`.

    Read again, it is an equal policy but for the digest. Numbers are `int`, `float` where that is
    the exact decimal, else `Decimal`; `policy_json` writes them all.
    """
    from gate.core.document.show import document_of  # noqa: PLC0415

    return document_of(read_policy(data, file))


def policy_json(data: bytes, file: str) -> str:
    """The document with its defaults filled in, as indented JSON; raises as `read_policy`."""
    from gate.core.document.show import json_of  # noqa: PLC0415

    return json_of(policy_document(data, file))


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the policy document."""
    from gate.core.document import publish  # noqa: PLC0415

    return publish.policy_schema()


def policy_warnings(
    policy: Policy, data: bytes | None = None, file: str | None = None
) -> list[Problem]:
    """What is valid and yet deserves a second look; with the bytes, warnings have lines."""
    from gate.core.document import tree, warn  # noqa: PLC0415

    source = None if data is None else tree.read_tree(data, file or "policy")
    problems = []
    warnings = list(warn.warnings_of(policy))
    for path, message, mend in warnings[:_MAX_WARNINGS]:
        field, line = tree.place(source, path)
        problems.append(Problem(message=message, file=file, line=line, field=field, mend=mend))
    if len(warnings) > _MAX_WARNINGS:
        more = len(warnings) - _MAX_WARNINGS
        problems.append(Problem(message=f"and {more} more warnings", file=file))
    return problems
