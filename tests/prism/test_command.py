"""`gate github sync` as people run it: all that one run asks for and writes, by the description."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.instants import format_instant
from tests.cli.run import gate
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN
from tests.prism.tap import Tap


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A policy that locks now, and a calendar without weddings."""
    now = datetime.now(UTC).replace(microsecond=0)
    start, end = (format_instant(now + timedelta(hours=hours)) for hours in (-1, 1))
    (tmp_path / "policy.yaml").write_text(
        f"version: 1\ntimezone: Europe/London\nlevel_lock: {{at: never}}\n"
        f"windows: [{{name: w, start: {start}, end: {end}}}]\n"
    )
    calendar = Path(__file__).parents[2] / "examples" / "calendar.csv"
    with calendar.open() as lines:
        (tmp_path / "calendar.csv").write_text(next(lines))
    return tmp_path


def test_a_run_stays_within_the_description(
    files: Path, fake: FakeGitHub, tap: Tap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", tap.url)
    for number, base in enumerate(("main", "main", "topic"), start=1):
        fake.repository.pull(number, base=base)
    fake.repository.queue(4, "c" * 40)
    arguments = (
        *("github", "sync", "--repo", "acme/bookings", "--once", "--json"),
        *("--policy", files / "policy.yaml", "--calendar", files / "calendar.csv"),
    )
    first = gate(*arguments)
    assert first.code == 0, first
    assert [each["number"] for each in json.loads(first.out)] == [1, 2, None]
    assert {each["state"] for each in json.loads(first.out)} == {"in_progress"}
    written = len([each for each in tap.exchanges if each.verb != "GET"])
    assert written == 3
    assert {each["changed"] for each in json.loads(gate(*arguments).out)} == {False}
    assert len([each for each in tap.exchanges if each.verb != "GET"]) == written
