"""Each document passes the real API server; each pod passes Pod Security's strictest standard."""

import json

import pytest

from tests.cluster.manifests.stage import GATE, text_of
from tests.controlplane.plane import ControlPlane
from tests.manifests import building
from tests.manifests.building import BUILDS, Object, build

pytestmark = pytest.mark.xdist_group("manifests")


@pytest.mark.parametrize("name", BUILDS)
def test_the_api_server_takes_every_document(plane: ControlPlane, name: str) -> None:
    done = plane.kubectl(
        "apply", "--dry-run=server", "-f", "-", input=text_of(build(name)), seconds=120
    )
    assert done.returncode == 0, done.stderr
    # A warning would be of a field that is on its way out, or of a pod that is not confined.
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(build(name))


def pod_of(workload: Object, template: Object) -> Object:
    """The pod that a controller would make, with what it would claim."""
    claims = [
        {"name": each["metadata"]["name"], "emptyDir": {}}
        for each in workload["spec"].get("volumeClaimTemplates", ())
    ]
    spec = {**template["spec"], "volumes": [*template["spec"]["volumes"], *claims]}
    metadata = {"generateName": "pod-", **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("name", BUILDS)
def test_pod_security_restricted_takes_every_pod(plane: ControlPlane, name: str) -> None:
    for each, template in building.workloads(build(name)):
        namespace = each["metadata"]["namespace"]
        answer = plane.request(
            "POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod_of(each, template)
        )
        assert answer.status == 201, (each["metadata"]["name"], answer.body)


def test_pod_security_is_enforced_in_the_gates_namespace(plane: ControlPlane) -> None:
    deployment = building.named(build("base"), "Deployment", "saturday-gate-webhook")
    template = building.template_of(deployment)
    assert template is not None
    pod = json.loads(json.dumps(pod_of(deployment, template)))
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    answer = plane.request("POST", f"/api/v1/namespaces/{GATE}/pods?dryRun=All", pod)
    assert answer.status == 403
    assert "PodSecurity" in answer.body["message"]
