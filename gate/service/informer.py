"""The pod templates that workloads have had, followed in the cluster.

ReplicaSets and ControllerRevisions of all namespaces are listed once, in pages, and then watched;
a watch that the server cannot continue begins with a list again, of which only the differences are
told. Nothing here is asked by a decision: what is not known yet is judged as a deploy.
"""

import threading
from collections.abc import Callable, Mapping

from kubernetes.client import ApiClient, AppsV1Api

from gate.cluster.history import controller_revision_entry, replica_set_entry
from gate.service.feed import Templates
from gate.service.keeper.kube import api_client
from gate.service.keeper.reflector import Kind, Reflector, Watching
from gate.service.keeper.templates import TemplateBoard
from gate.service.logs import log

NO_CLUSTER = "no cluster is named: rollbacks are judged as deploys"

KINDS = (
    Kind(
        plural="replicasets",
        lister=lambda client: AppsV1Api(client).list_replica_set_for_all_namespaces,
        entry=replica_set_entry,
    ),
    Kind(
        plural="controllerrevisions",
        lister=lambda client: AppsV1Api(client).list_controller_revision_for_all_namespaces,
        entry=controller_revision_entry,
    ),
)


class Informer:
    """Publishes the templates of the past; `run` never raises."""

    def __init__(
        self,
        kubeconfig: str | None,
        environ: Mapping[str, str],
        publish: Callable[[Templates], None],
        *,
        watching: Watching = Watching(),  # noqa: B008 - frozen
    ) -> None:
        self._kubeconfig = kubeconfig
        self._environ = environ
        self._publish = publish
        board = TemplateBoard((kind.plural for kind in KINDS), publish)
        self._reflectors = [Reflector(kind, self._connect, board, watching) for kind in KINDS]

    def run(self, stop: threading.Event) -> None:
        """Follow the cluster until told to stop; where none is named, say so and wait."""
        try:
            named = self._connect() is not None
        except Exception:
            # A file that is named and no use: the reflectors say so, and look again.
            named = True
        if not named:
            log("no-cluster", said=NO_CLUSTER)
            self._publish(Templates(trouble=NO_CLUSTER))
            stop.wait()
            return
        for reflector in self._reflectors:
            threading.Thread(
                target=reflector.run, args=[stop], name=reflector.kind.plural, daemon=True
            ).start()
        stop.wait()
        for reflector in self._reflectors:
            reflector.break_off()

    def _connect(self) -> ApiClient | None:
        return api_client(self._kubeconfig, self._environ)
