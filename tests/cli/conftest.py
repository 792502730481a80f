"""A runner of the command line in this process, free of the machine's own settings."""

import os
from collections.abc import Callable

import pytest

from gate.cli.main import main
from tests.cli.support import Ended

Gate = Callable[..., Ended]


@pytest.fixture
def gate(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Run `gate` with the arguments given and say how it ended."""
    for name in [name for name in os.environ if name.startswith("GATE_")]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        out, err = capfd.readouterr()
        code = ending.value.code
        return Ended(code=code if isinstance(code, int) else 0, out=out, err=err)

    return run
