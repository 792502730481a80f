"""Each overlay builds, and every document is one that Kubernetes' schemas know."""

import base64
import shutil
from collections import Counter
from pathlib import Path

import kubernetes_validate
import pytest

from tests.manifests import building
from tests.manifests.building import AUTHORITY, BUILDS, BUILT_IN, K8S, OVERLAYS, build

OLDEST, TRIED = "1.30", "1.35"
DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize("name", BUILDS)
def test_nothing_is_there_twice(name: str) -> None:
    keys = Counter(map(building.key_of, build(name)))
    assert [key for key, times in keys.items() if times > 1] == []


@pytest.mark.parametrize("version", [OLDEST, TRIED])
@pytest.mark.parametrize("name", BUILDS)
def test_the_schemas_know_every_field(name: str, version: str) -> None:
    built_in = [each for each in build(name) if building.group_of(each) in BUILT_IN]
    assert len(built_in) >= 10
    for each in built_in:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_validator_finds_a_wrong_field() -> None:
    wrong = {**building.named(build("platform"), "Service", "bookings"), "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, TRIED, strict=True)


def test_every_overlay_is_the_base_and_more() -> None:
    base = {building.key_of(each)[:2] for each in build("base")}
    for name in OVERLAYS:
        assert base <= {building.key_of(each)[:2] for each in build(name)}


@pytest.mark.parametrize("name", OVERLAYS)
def test_one_image_entry_pins_every_container_of_the_gate(name: str, tmp_path: Path) -> None:
    """What a person writes above an overlay to run their own registry's image, by digest."""
    copy = tmp_path / "k8s"
    shutil.copytree(K8S, copy)
    shutil.copy(AUTHORITY, copy / "components/self-managed/ca.crt")
    own = copy / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(
        f"resources: [../{name}]\n"
        "images:\n  - name: saturday-gate-service\n"
        f"    newName: registry.example/saturday-gate-service\n    digest: {DIGEST}\n"
    )
    containers = list(building.gate_containers(building.kustomize(own)))
    assert len(containers) == 7
    images = {container["image"] for _, container in containers}
    assert images == {f"registry.example/saturday-gate-service@{DIGEST}"}


def test_self_managed_certificates_need_their_authority(tmp_path: Path) -> None:
    copy = tmp_path / "k8s"
    shutil.copytree(K8S, copy)
    with pytest.raises(AssertionError, match=r"ca\.crt"):
        building.kustomize(copy / "overlays/dev")


def test_self_managed_certificates_are_trusted_by_the_authority_given() -> None:
    configuration = building.named(
        build("overlays/dev"), "ValidatingWebhookConfiguration", "saturday-gate"
    )
    bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"]
    assert base64.b64decode(bundle) == AUTHORITY.read_bytes()


@pytest.mark.parametrize("name", BUILDS)
def test_no_registry_is_named(name: str) -> None:
    """Whose images run is for whoever installs them to say."""
    for _, template in building.workloads(build(name)):
        for container in template["spec"]["containers"]:
            assert "/" not in container["image"]
