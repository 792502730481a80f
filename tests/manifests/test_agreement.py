"""The manifests say what the product says: options, configuration, names, rights."""

from collections.abc import Sequence
from typing import Any

import click
import pytest
from psycopg.conninfo import conninfo_to_dict

from gate.cli.main import cli
from gate.cluster import configuration
from gate.cluster.configuration import PROTECT_LABEL, Service, Settings
from gate.cluster.fallback.documents import EXPIRY_NAME, NAME
from gate.cluster.fallback.probe import PROBE_NAME
from gate.core.document.defaults import DEFAULT_EXEMPT
from gate.service.scaling.worker import lease
from gate.store.connect import target
from tests.cluster_cli.conftest import DATA
from tests.manifests import building
from tests.manifests.building import OVERLAYS, Object, build

INJECTED = "saturday-gate/saturday-gate-tls"
PRE_SCALER = "system:serviceaccount:saturday-gate:saturday-gate-prescale"


def generated(**more: Any) -> dict[str, Any]:
    """What `gate webhook install --failure-policy Ignore` makes."""
    settings = Settings(
        target=Service(namespace="saturday-gate", name="saturday-gate"),
        own_namespace="saturday-gate",
        failure_policy="Ignore",
        unsent_users=(*DEFAULT_EXEMPT, PRE_SCALER),
        **more,
    )
    return configuration.configuration(settings)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_webhook_is_configured_as_the_command_would(name: str) -> None:
    found = building.named(build(name), "ValidatingWebhookConfiguration", "saturday-gate")
    if name == "overlays/dev":
        client = found["webhooks"][0]["clientConfig"]
        client["caBundle"] = "".join(client["caBundle"].split())
        assert found == generated(ca=(DATA / "ca.crt").read_bytes())
    else:
        assert found == generated(inject_ca_from=INJECTED)


def parsed(arguments: Sequence[str]) -> None:
    """Walk to the command and let it take its options; raises click's errors."""
    command: click.Command = cli
    context = click.Context(command, info_name="gate")
    left = list(arguments)
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        found = command.get_command(context, left.pop(0))
        assert found is not None, arguments
        command, context = found, click.Context(found, parent=context, info_name=found.name)
    _, rest, _ = command.make_parser(context).parse_args(left)
    assert rest == [], arguments


@pytest.mark.parametrize("name", OVERLAYS)
def test_commands_exist_with_exactly_those_options(name: str) -> None:
    ran = [each["args"] for _, each in building.gate_containers(build(name)) if "args" in each]
    assert {tuple(each[:2]) for each in ran} >= {("fallback", "run"), ("db", "migrate")}
    for arguments in ran:
        parsed(arguments)


def test_an_option_that_is_none_is_found() -> None:
    with pytest.raises(click.NoSuchOption):
        parsed(["db", "migrate", "--forwards"])


@pytest.mark.parametrize("name", OVERLAYS)
def test_variables_in_arguments_are_given(name: str) -> None:
    """Kubernetes leaves $(NAME) as it stands where no variable has that name."""
    for _, container in building.gate_containers(build(name)):
        given = {each["name"] for each in container.get("env", ())}
        for argument in container.get("args", ()):
            if "$(" in argument:
                assert argument.partition("$(")[2].rstrip(")") in given


def test_the_fallback_worker_may_write_its_own_documents_only() -> None:
    role = building.named(build("base"), "ClusterRole", "saturday-gate-fallback")
    (lock,) = (each for each in role["rules"] if "admissionregistration" in each["apiGroups"][0])
    assert lock["resourceNames"] == [NAME, EXPIRY_NAME]


def test_the_pre_scaler_may_take_its_own_lease_only() -> None:
    role = building.named(build("base"), "Role", "saturday-gate-prescale")
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, [lease.NAME]]


def test_the_guard_knows_the_probe() -> None:
    guard = building.named(
        build("base"), "ValidatingAdmissionPolicy", "saturday-gate-fallback-probe"
    )
    assert f"'{PROBE_NAME}'" in guard["spec"]["validations"][0]["expression"]


def test_the_example_platform_is_protected_and_the_gate_is_not() -> None:
    labels = {
        name: building.named(build(name), "Namespace", namespace)["metadata"]["labels"]
        for name, namespace in (("platform", "wedding-platform"), ("base", "saturday-gate"))
    }
    assert labels["platform"][PROTECT_LABEL] == "true"
    assert PROTECT_LABEL not in labels["base"]


def test_the_database_of_three_is_one_line_that_the_gate_takes() -> None:
    objects = build("overlays/ha")
    (settings,) = (
        each["data"]
        for each in building.of_kind(objects, "ConfigMap")
        if each["metadata"]["name"].startswith("saturday-gate-settings")
    )
    found = conninfo_to_dict(target(settings["dsn"], {}).dsn)
    assert found["host"] == "saturday-gate-db-rw,saturday-gate-db-r"
    assert found["target_session_attrs"] == "read-write"
    assert found["sslmode"] == "verify-full"
    for each, container in building.gate_containers(objects):
        if "args" in container:
            assert _variables(container) >= {"GATE_DSN", "PGPASSWORD"}, each["metadata"]["name"]


def _variables(container: Object) -> set[str]:
    return {each["name"] for each in container.get("env", ())}
