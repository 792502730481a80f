"""The control plane of the run, for the scenarios that need a cluster."""

from tests.cluster.conftest import control_plane, namespace

__all__ = ["control_plane", "namespace"]
