"""The reference page knows what the manifests bring."""

import pytest

from tests.docs.pages import ROOT
from tests.manifests import building
from tests.manifests.building import build

PAGE = (ROOT / "docs" / "reference" / "manifests.md").read_text()
HOW_TO = (ROOT / "docs" / "how-to" / "deploy.md").read_text()


def test_every_alert_has_its_row() -> None:
    rules = building.named(build("overlays/production"), "PrometheusRule", "saturday-gate")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    for rule in alerts:
        assert f"| `{rule['alert']}` | {rule['labels']['severity']} |" in PAGE
    assert PAGE.count("| `SaturdayGate") == len(alerts)


def test_every_right_has_its_row() -> None:
    """Each resource of a role in a row with just its verbs."""
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    for role in building.of_kind(build("base"), "ClusterRole", "Role"):
        for rule in role["rules"]:
            first, verbs = rule["resources"][0], ", ".join(rule["verbs"])
            found = [row for row in rows if f"`{first}`" in row and f"| {verbs} |" in row]
            assert found, rule
            for name in rule.get("resourceNames", ()):
                assert any(f"`{name}`" in row for row in found), rule


@pytest.mark.parametrize("kind", ["ServiceAccount", "ValidatingAdmissionPolicy", "PriorityClass"])
def test_what_is_named_is_there(kind: str) -> None:
    silent = {"saturday-gate-server", "saturday-gate-migration"}
    for each in building.of_kind((*build("base"), *build("platform")), kind):
        name = each["metadata"]["name"]
        assert name in silent | {"bookings"} or f"`{name}`" in PAGE


def test_secrets_that_a_person_makes_are_told() -> None:
    for name in ("saturday-gate-database", "saturday-gate-tls", "saturday-gate-github"):
        assert f"`{name}`" in PAGE
        assert name in HOW_TO
