"""From the bytes of a document to checked values: policies, and tables of expected verdicts.

Bytes become a tree of nodes with lines (`tree`), the tree is judged against models (`validate`,
`schema`), and a valid document is compiled (`compile`). Importing this package is cheap.
"""

from gate.core.document.read import (
    policy_document,
    policy_json,
    policy_schema,
    policy_warnings,
    read_policy,
)
from gate.core.document.tables import Case, Expected, Table, read_table
from gate.core.document.text import MAX_BYTES as MAX_POLICY_BYTES

__all__ = [
    "MAX_POLICY_BYTES",
    "Case",
    "Expected",
    "Table",
    "policy_document",
    "policy_json",
    "policy_schema",
    "policy_warnings",
    "read_policy",
    "read_table",
]
