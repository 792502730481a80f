"""The alert rules, by Prometheus' own tool."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.manifests import building
from tests.manifests.building import K8S, build

TESTS = Path(__file__).with_name("alerts.test.yaml")

pytestmark = pytest.mark.prometheus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as Prometheus reads them, beside their tests."""
    made = tmp_path_factory.mktemp("rules")
    rules = building.named(build("overlays/production"), "PrometheusRule", "saturday-gate")
    (made / "rules.yaml").write_text(json.dumps(rules["spec"]))
    shutil.copy(TESTS, made)
    return made


def promtool(folder: Path, *arguments: str) -> str:
    """Its output, colours off; a failure of the tool fails the test."""
    done = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_rules(folder: Path) -> None:
    assert "20 rules found" in promtool(folder, "check", "rules", "rules.yaml")


def test_alerts_come_when_they_should(folder: Path) -> None:
    promtool(folder, "test", "rules", TESTS.name)


def test_every_alert_is_tried() -> None:
    rules = building.named(build("overlays/production"), "PrometheusRule", "saturday-gate")
    text = TESTS.read_text()
    for group in rules["spec"]["groups"]:
        for rule in group["rules"]:
            assert f'"{rule["alert"]}"' in text, rule["alert"]


def test_the_dashboard_asks_in_words_that_prometheus_knows(folder: Path) -> None:
    dashboard = json.loads((K8S / "components/monitoring/saturday-gate.json").read_text())
    asked = [
        target["expr"].replace("$namespace", "saturday-gate").replace("$platform", "x")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    assert len(asked) > 20
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(asked)]
    (folder / "panels.yaml").write_text(
        json.dumps({"groups": [{"name": "panels", "rules": rules}]})
    )
    assert f"{len(asked)} rules found" in promtool(folder, "check", "rules", "panels.yaml")


def test_panels_do_not_overlap() -> None:
    dashboard = json.loads((K8S / "components/monitoring/saturday-gate.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
