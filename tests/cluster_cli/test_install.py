"""`gate webhook install` prints what `kubectl apply -f -` takes, and refuses what cannot work."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster_cli.conftest import CA, DATA, UNREADABLE, Gate
from tests.controlplane import certificates
from tests.controlplane.certificates import Pair

GOLDEN = {
    "default": (),
    "service": ("--service", "gates/gate:8443", "--failure-policy", "Ignore", "--timeout", "10"),
    "url": ("--url", "https://10.0.0.7:9443", "--name", "gate-london", "--own-namespace", "gates"),
    "exempt": ("--policy", str(DATA / "exempt.yaml")),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_configuration_is_the_one_expected(gate: Gate, name: str) -> None:
    ended = gate("webhook", "install", "--ca", CA, *GOLDEN[name])
    assert ended.code == 0
    assert ended.out == (DATA / f"{name}.golden.yaml").read_text()


def test_json_says_the_same(gate: Gate) -> None:
    options = ("webhook", "install", "--ca", CA, *GOLDEN["exempt"])
    assert gate(*options, "--json").json == yaml.safe_load(gate(*options).out)


def test_only_certificates_are_handed_on(gate: Gate, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    pem = CA.read_text()
    bundle.write_bytes(f"Subject: CN = somebody\r\n{pem}\n# the second\n{pem}".encode())
    (webhook,) = gate("webhook", "install", "--ca", bundle, "--json").json["webhooks"]
    handed = base64.b64decode(webhook["clientConfig"]["caBundle"]).decode()
    assert handed == 2 * pem


def test_cert_manager_fills_the_authority_in(gate: Gate) -> None:
    made = gate("webhook", "install", "--inject-ca-from", "gates/gate-tls", "--json").json
    assert made["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": "gates/gate-tls"}
    assert "caBundle" not in made["webhooks"][0]["clientConfig"]


@pytest.mark.parametrize(
    ("options", "excluded"),
    [
        ((), ["kube-system", "saturday-gate"]),
        (("--service", "gates/gate"), ["kube-system", "gates"]),
        (("--service", "gates/gate", "--own-namespace", "other"), ["kube-system", "other"]),
        (("--own-namespace", "kube-system"), ["kube-system"]),
    ],
)
def test_the_gates_own_namespace_is_never_matched(
    gate: Gate, options: tuple[str, ...], excluded: list[str]
) -> None:
    (webhook,) = gate("webhook", "install", "--ca", CA, *options, "--json").json["webhooks"]
    (expression,) = webhook["namespaceSelector"]["matchExpressions"]
    assert expression["operator"] == "NotIn"
    assert expression["values"] == excluded


def test_without_a_target_it_is_the_gates_own_service(gate: Gate) -> None:
    made = gate("webhook", "install", "--ca", CA, "--own-namespace", "gates", "--json").json
    service = made["webhooks"][0]["clientConfig"]["service"]
    assert service == {
        "namespace": "gates", "name": "saturday-gate", "port": 443, "path": "/validate",
    }  # fmt: skip


def test_exempt_names_are_text_whatever_they_hold(gate: Gate, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    name = 'a"] || true || "\\b\t\u00e9'
    policy.write_text(
        json.dumps({"version": 1, "timezone": "UTC", "exempt": [name]}, ensure_ascii=False)
    )
    made = gate("webhook", "install", "--ca", CA, "--policy", policy, "--json").json
    (condition,) = made["webhooks"][0]["matchConditions"]
    assert condition["expression"] == (
        '!(request.userInfo.username in ["a\\"] || true || \\"\\\\b\\t\u00e9"])'
    )


def test_a_policy_that_exempts_nobody_adds_no_condition(gate: Gate, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ntimezone: UTC\nexempt: []\n")
    made = gate("webhook", "install", "--ca", CA, "--policy", policy, "--json").json
    assert "matchConditions" not in made["webhooks"][0]


def test_failing_closed_for_controllers_is_said(gate: Gate) -> None:
    assert "--policy" in gate("webhook", "install", "--ca", CA).err
    assert gate("webhook", "install", "--ca", CA, *GOLDEN["exempt"]).err == ""
    assert gate("webhook", "install", "--ca", CA, *GOLDEN["service"]).err == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--ca"),
        (("--ca", CA, "--inject-ca-from", "a/b"), "--inject-ca-from"),
        (("--ca", "no-such-file"), "no-such-file"),
        (("--ca", CA, "--url", "http://gate/validate"), "https"),
        (("--ca", CA, "--url", "gate.example.com"), "https"),
        (("--ca", CA, "--url", "https://gate:99999/"), "out of range"),
        (("--ca", CA, "--url", "https://gate:0/"), "HOST:PORT"),
        (("--ca", CA, "--url", "https://:443/"), "HOST:PORT"),
        (("--ca", CA, "--url", "https://ann@gate/validate"), "user"),
        (("--ca", CA, "--url", "https://gate/validate?x=1"), "query"),
        (("--ca", CA, "--url", "https://gate/validate#x"), "fragment"),
        (("--ca", CA, "--url", "https://gate/validate", "--service", "a/b"), "--service"),
        (("--ca", CA, "--service", "gate"), "NAMESPACE/NAME"),
        (("--ca", CA, "--service", "Gates/gate"), "NAMESPACE/NAME"),
        (("--ca", CA, "--service", "gates/gate:https"), "port"),
        (("--ca", CA, "--service", "gates/gate:65536"), "port"),
        (("--ca", CA, "--service", "gates/gate:"), "port"),
        (("--inject-ca-from", "gate-tls"), "NAMESPACE/NAME"),
        (("--ca", CA, "--name", "Gate London"), "--name"),
        (("--ca", CA, "--name", "a" * 254), "--name"),
        (("--ca", CA, "--own-namespace", "a.b"), "--own-namespace"),
        (("--ca", CA, "--timeout", "31"), "--timeout"),
        (("--ca", CA, "--timeout", "0"), "--timeout"),
        (("--ca", CA, "--failure-policy", "fail"), "Fail"),
        (("--ca", CA, "--policy", DATA / "default.golden.yaml"), "default.golden.yaml:1"),
        (("--ca", CA, "--force-conflicts"), "--apply"),
    ],
)
def test_what_cannot_work_is_refused(gate: Gate, options: tuple[object, ...], said: str) -> None:
    ended = gate("webhook", "install", *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b"", "", "no certificate"),
        (b"hello\n", "", "no certificate"),
        (b"\x30\x82\x01\x00\x00\xff", "", "openssl x509 -inform der"),
        (
            b"\n\n-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
            ":3",
            "private key",
        ),
        (b"-----BEGIN EC PRIVATE KEY-----\nAA==\n", ":1", "private key"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAA==\n", ":1", "CERTIFICATE REQUEST"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", ":1", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n", ":1", "without its end"),
    ],
)
def test_what_is_no_authority_is_refused(
    gate: Gate, tmp_path: Path, text: bytes, line: str, said: str
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(text)
    ended = gate("webhook", "install", "--ca", path)
    assert (ended.code, ended.out) == (2, "")
    assert f"{path}{line}: " in ended.err
    assert said in ended.err


def test_every_defect_of_a_bundle_is_named(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{CA.read_text()}-----BEGIN CERTIFICATE-----\n")
    ended = gate("webhook", "install", "--ca", path)
    assert ended.code == 2
    assert f"{path}:1: holds a private key" in ended.err
    assert f"{path}:{CA.read_text().count(chr(10)) + 2}: holds a certificate without" in ended.err


def test_a_bundle_that_cannot_be_read_is_named(gate: Gate) -> None:
    ended = gate("webhook", "install", "--ca", UNREADABLE)
    assert (ended.code, ended.out) == (2, "")
    assert f"{UNREADABLE}: cannot be read" in ended.err


def test_a_bundle_has_a_limit(gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n" * 40_000)
    ended = gate("webhook", "install", "--ca", path)
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize(("days", "said"), [(-400, "ended on"), (30, "does not hold before")])
def test_an_authority_that_does_not_hold_is_refused(
    gate: Gate, authority: Callable[..., Pair], days: int, said: str
) -> None:
    ended = gate("webhook", "install", "--ca", authority(days).certificate)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_one_that_ended_beside_one_that_holds_is_a_warning(
    gate: Gate, authority: Callable[..., Pair], tmp_path: Path
) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(authority(-400).certificate.read_bytes() + CA.read_bytes())
    ended = gate("webhook", "install", "--ca", path)
    assert ended.code == 0
    assert "ended on" in ended.err


def test_one_that_soon_ends_is_a_warning(gate: Gate, authority: Callable[..., Pair]) -> None:
    ended = gate("webhook", "install", "--ca", authority(-340).certificate)
    assert ended.code == 0
    assert "warning: " in ended.err
    assert "ends on" in ended.err


def test_a_servers_own_certificate_is_a_warning(
    gate: Gate, authority: Callable[..., Pair], tmp_path: Path
) -> None:
    import datetime as dt  # noqa: PLC0415

    now = dt.datetime.now(dt.UTC)
    own = certificates.serving(authority(), tmp_path / "server", now=now)
    ended = gate("webhook", "install", "--ca", own.certificate)
    assert ended.code == 0
    assert "is no authority" in ended.err


def kubeconfig(path: Path, server: str) -> Path:
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


def test_a_cluster_out_of_reach_is_said(gate: Gate, tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{held.getsockname()[1]}"
        config = kubeconfig(tmp_path / "config", server)
        ended = gate("webhook", "install", "--ca", CA, "--apply", "--kubeconfig", config)
    assert (ended.code, ended.out) == (4, "")
    assert f"the API server {server} cannot be reached" in ended.err


@pytest.mark.parametrize("text", ["", "[]", "{", "kind: Config", '{"clusters": 5}', "\x00"])
def test_a_kubeconfig_that_is_none_is_bad_input(gate: Gate, tmp_path: Path, text: str) -> None:
    config = tmp_path / "config"
    config.write_text(text)
    ended = gate("webhook", "install", "--ca", CA, "--apply", "--kubeconfig", config)
    assert (ended.code, ended.out) == (2, "")
    assert f"gate: {config}: cannot be used to reach a cluster" in ended.err


def test_without_a_kubeconfig_the_environment_names_one(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = gate("webhook", "install", "--ca", CA, "--apply")
    assert ended.code == 2
    assert f"{tmp_path}/.kube/config" in ended.err
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "elsewhere"))
    ended = gate("webhook", "install", "--ca", CA, "--apply")
    assert ended.code == 2
    assert f"{tmp_path}/elsewhere" in ended.err
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    ended = gate("webhook", "install", "--ca", CA, "--apply")
    assert ended.code == 2
    assert "the pod's service account" in ended.err


def test_printing_loads_no_client(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom gate.cli.webhook_install import install\n"
        f"install.main(['--ca', {str(CA)!r}], standalone_mode=False)\n"
        "heavy = {'kubernetes', 'psycopg', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
