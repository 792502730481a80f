"""A cold `gate check` with a compiled policy in its cache pays for neither parser nor models."""

import subprocess
import sys

PROGRAM = """
import sys
import gate.core.document, gate.core.document.read, gate.core.document.tables
assert not {"pydantic", "pydantic_core", "yaml"} & set(sys.modules), sorted(sys.modules)
from gate.core.document import read_policy
read_policy(b'{"version": 1, "timezone": "UTC"}', "policy.json")
assert "yaml" not in sys.modules
"""


def test_importing_is_cheap() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
