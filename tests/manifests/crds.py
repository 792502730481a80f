"""Custom resources as far as the manifests use them: a field that is not here is refused.

Written from the tools' documentation, for tests: they say that a manifest is what we meant, not
what an operator does with it.
"""

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
EITHER: Schema = {"x-kubernetes-int-or-string": True}
SELECTOR: Schema = {"type": "object", "properties": {"matchLabels": TEXTS}}


def _map(required: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    rest: Schema = {"required": list(required)} if required else {}
    return {"type": "object", "properties": fields, **rest}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _crd(group: str, version: str, kind: str, spec: Schema) -> dict[str, Any]:
    singular = kind.lower()
    plural = f"{singular}s"
    schema = {"openAPIV3Schema": _map(("spec",), spec=spec)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": singular},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


_QUANTITIES: Schema = {"type": "object", "additionalProperties": EITHER}
_VOLUME = _map(("size",), size=TEXT)
_POSTGRES = _map(
    ("instances", "storage"),
    instances={**NUMBER, "minimum": 1},
    priorityClassName=TEXT,
    primaryUpdateStrategy=_one_of("unsupervised", "supervised"),
    primaryUpdateMethod=_one_of("switchover", "restart"),
    enablePDB=FLAG,
    bootstrap=_map(initdb=_map(database=TEXT, owner=TEXT, dataChecksums=FLAG)),
    postgresql=_map(
        synchronous=_map(
            ("method", "number"),
            method=_one_of("any", "first"),
            number=NUMBER,
            dataDurability=_one_of("required", "preferred"),
        ),
        parameters=TEXTS,
    ),
    storage=_VOLUME,
    walStorage=_VOLUME,
    affinity=_map(
        enablePodAntiAffinity=FLAG,
        podAntiAffinityType=_one_of("preferred", "required"),
        topologyKey=TEXT,
    ),
    resources=_map(requests=_QUANTITIES, limits=_QUANTITIES),
)
_ISSUER = _map(selfSigned=_map(), ca=_map(("secretName",), secretName=TEXT))
_CERTIFICATE = _map(
    ("secretName", "issuerRef"),
    secretName=TEXT,
    isCA=FLAG,
    commonName=TEXT,
    duration=TEXT,
    renewBefore=TEXT,
    dnsNames=_list(TEXT),
    usages=_list(_one_of("digital signature", "server auth", "client auth", "cert sign")),
    privateKey=_map(
        algorithm=_one_of("RSA", "ECDSA", "Ed25519"),
        size=NUMBER,
        rotationPolicy=_one_of("Never", "Always"),
    ),
    issuerRef=_map(("name",), name=TEXT, kind=TEXT, group=TEXT),
)
_ENDPOINT: dict[str, Schema] = {
    "port": TEXT,
    "path": TEXT,
    "scheme": _one_of("http", "https"),
    "interval": TEXT,
    "scrapeTimeout": TEXT,
}
_SERVICE_MONITOR = _map(
    ("selector", "endpoints"),
    selector=SELECTOR,
    endpoints=_list(
        _map(
            **_ENDPOINT,
            tlsConfig=_map(
                serverName=TEXT, ca=_map(secret=_map(("name", "key"), name=TEXT, key=TEXT))
            ),
        )
    ),
)
_POD_MONITOR = _map(("selector",), selector=SELECTOR, podMetricsEndpoints=_list(_map(**_ENDPOINT)))
_RULE = _map(("expr",), alert=TEXT, expr=EITHER, labels=TEXTS, annotations=TEXTS, **{"for": TEXT})
_RULES = _map(groups=_list(_map(("name",), name=TEXT, rules=_list(_RULE))))
_SCALED_OBJECT = _map(
    ("scaleTargetRef", "triggers"),
    scaleTargetRef=_map(("name",), name=TEXT, kind=TEXT, apiVersion=TEXT),
    minReplicaCount=NUMBER,
    maxReplicaCount=NUMBER,
    triggers=_list(_map(("type", "metadata"), type=TEXT, metadata=TEXTS)),
)

CRDS = (
    _crd("postgresql.cnpg.io", "v1", "Cluster", _POSTGRES),
    _crd("cert-manager.io", "v1", "Issuer", _ISSUER),
    _crd("cert-manager.io", "v1", "Certificate", _CERTIFICATE),
    _crd("monitoring.coreos.com", "v1", "ServiceMonitor", _SERVICE_MONITOR),
    _crd("monitoring.coreos.com", "v1", "PodMonitor", _POD_MONITOR),
    _crd("monitoring.coreos.com", "v1", "PrometheusRule", _RULES),
    _crd("keda.sh", "v1alpha1", "ScaledObject", _SCALED_OBJECT),
)
"""What an API server needs to take the manifests; the last one is what the pre-scaler looks for."""
