"""Which cluster is at hand, by options and environment."""

from pathlib import Path

import pytest

from gate.core.problems import InputError
from gate.service.scaling.by_hand.at_hand import Hands


def test_nothing_named_is_nothing_at_hand() -> None:
    hands = Hands.of(None, None, {})
    assert (hands.has_cluster, hands.cluster_trouble) == (False, None)
    assert hands.targets() is None
    with pytest.raises(InputError, match="neither a database nor a cluster"):
        hands.need_one()


def test_a_pod_without_an_account_has_no_cluster() -> None:
    inside = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    assert not Hands.of(None, None, inside).has_cluster


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_file_that_is_no_kubeconfig_is_bad_input(tmp_path: Path, by: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("nonsense: [")
    named = str(path)
    option, environ = (named, {}) if by == "option" else (None, {"KUBECONFIG": named})
    with pytest.raises(InputError, match="kubeconfig cannot be used"):
        Hands.of(None, option, environ)
