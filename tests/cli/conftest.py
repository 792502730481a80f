"""The command line in this process, free of the machine's own settings."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli import run

if TYPE_CHECKING:
    from gate.store.connect import Target

Gate = Callable[..., run.Outcome]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Run `gate` with the arguments given and say how it ended."""
    for name in [name for name in os.environ if name.startswith("GATE_")]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return run.gate


@pytest.fixture
def store(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Target]":
    """A migrated schema, named by the environment."""
    from tests.postgres import fresh_schema  # noqa: PLC0415  (needs the database driver)

    with fresh_schema() as target:
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        monkeypatch.setenv("GATE_ACTOR", "ann")
        yield target


@pytest.fixture
def bare(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Target]":
    """A schema that is not there yet."""
    from tests.postgres import fresh_schema  # noqa: PLC0415

    with fresh_schema(migrated=False) as target:
        monkeypatch.setenv("GATE_DSN", target.dsn)
        monkeypatch.setenv("GATE_SCHEMA", target.schema)
        yield target


@pytest.fixture
def key(tmp_path: Path) -> str:
    """The file of a fresh Ed25519 private key."""
    path = tmp_path / "checkpoint.pem"
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    path.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(path)
