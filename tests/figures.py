"""Figures that a test has measured or computed: printed at the end of the run, whoever ran it.

A test takes the fixture `figures` and calls it with a line of text.
"""

from collections.abc import Callable, Iterator

import pytest

Figures = Callable[[str], None]
_PROPERTY = "figures"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Note a line, to be printed at the end of the run under the name of the test."""
    item: pytest.Item = request.node
    return lambda line: item.user_properties.append((_PROPERTY, line))


def _noted(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, list[str]]]:
    """Tests that noted something; their reports come from other processes under xdist."""
    for outcome in ("passed", "failed"):
        for report in reporter.stats.get(outcome, []):
            lines = [v for k, v in getattr(report, "user_properties", ()) if k == _PROPERTY]
            if lines and report.when == "call":
                yield report.nodeid, lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was noted."""
    noted = sorted(_noted(terminalreporter))
    if not noted:
        return
    terminalreporter.section("figures")
    for name, lines in noted:
        terminalreporter.write_line(name)
        for line in lines:
            terminalreporter.write_line(f"    {line}")
