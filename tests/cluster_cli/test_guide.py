"""The commands of the how-to that need no cluster do what it says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cluster_cli.conftest import Gate
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "install-webhook.md"
NAME = "saturday-gate.saturday-gate.svc"
OPENSSL = shutil.which("openssl")


@pytest.mark.skipif(
    OPENSSL is None, reason="no program openssl; enable it with: apt-get install openssl"
)
def test_the_certificates_are_of_use(gate: Gate, tmp_path: Path) -> None:
    (commands,) = (block for block in blocks(PAGE, "sh") if "openssl req" in block)
    subprocess.run(["bash", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)
    ended = gate("webhook", "install", "--ca", tmp_path / "ca.crt", "--failure-policy", "Ignore")
    assert (ended.code, ended.err) == (0, "")
    verified = subprocess.run(
        [str(OPENSSL), "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", NAME,
         "-CAfile", "ca.crt", "tls.crt"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr


def test_the_certificate_of_cert_manager_is_the_one_that_is_named() -> None:
    (text,) = blocks(PAGE, "yaml")
    objects = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    leaf = objects["Certificate", "saturday-gate-tls"]
    assert leaf["spec"]["dnsNames"] == [NAME]
    assert leaf["metadata"]["namespace"] == "saturday-gate"
    issuer = objects["Issuer", leaf["spec"]["issuerRef"]["name"]]
    authority = objects["Certificate", "saturday-gate-ca"]
    assert issuer["spec"]["ca"]["secretName"] == authority["spec"]["secretName"]
    assert ("Issuer", authority["spec"]["issuerRef"]["name"]) in objects


def test_the_options_that_are_named_exist(gate: Gate) -> None:
    helped = {name: gate("webhook", name, "--help").out for name in ("install", "test")}
    shown = "\n".join([*blocks(PAGE, "sh"), *blocks(PAGE, "console")]).replace("\\\n", " ")
    found = re.findall(r"gate webhook (install|test) (.*)", shown)
    assert len(found) > 4
    for name, arguments in found:
        for option in re.findall(r"--[a-z-]+", arguments.partition("|")[0]):
            assert option in helped[name], option
