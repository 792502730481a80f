"""The Kubernetes documents of the lock: a policy, its binding, and a pair that tells of its expiry.

The pair is needed because a binding either denies or warns: what is wrong with the lock itself must
not refuse anyone's change.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from gate.cluster.configuration import PROTECT_LABEL
from gate.cluster.fallback.callers import USER, is_human, not_exempt
from gate.cluster.fallback.changes import CHANGES_SPEC, Variable, change_variables, denied
from gate.cluster.fallback.rules import rules
from gate.cluster.fallback.segments import Segments, segments
from gate.cluster.fallback.times import (
    CLOCK,
    MAX_CODE_POINTS,
    OVERRIDE_UNTIL,
    aside,
    calendar_variables,
    instant_text,
)
from gate.cluster.requests import NEVER_MATCHED
from gate.core.instants import SECOND, format_instant, micros
from gate.core.problems import InputError
from gate.core.timeline import Timeline
from gate.core.windows import Span
from gate.core.zones import TZDATA_VERSION

NAME = "saturday-gate-fallback"
EXPIRY_NAME = "saturday-gate-fallback-expiry"
OWN_NAMESPACE = "saturday-gate"
LEASE_NAMESPACE = "kube-system"
LEASE_LABELS = {"apiserver.kubernetes.io/identity": "kube-apiserver"}
API_VERSION = "admissionregistration.k8s.io/v1"
POLICY_KIND = "ValidatingAdmissionPolicy"
BINDING_KIND = "ValidatingAdmissionPolicyBinding"
MAX_DOCUMENT_BYTES = 1_500_000
"""etcd takes requests of 1.5 MiB; managed fields need some of that."""
CLIENT_APPLY_BYTES = 250_000
"""``kubectl apply`` keeps a copy in an annotation, of which there may be 256 KiB together."""
PREFIX = "saturday-gate.io"

# Readings of the clock lag, and machines' clocks differ: the calendar begins a while ago.
_BEFORE = timedelta(days=1)

Document = dict[str, Any]


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The lock compiled: what is in force when, until when that is known, and the documents."""

    segments: Segments
    until: datetime
    documents: tuple[Document, ...]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the compiler is told beside policy and calendar.

    ``own_namespace`` is where the gate itself runs, which is never matched.
    """

    at: datetime
    weeks: int
    environment: str | None = None
    own_namespace: str = OWN_NAMESPACE


def compile_lock(timeline: Timeline, calendar_sha256: str | None, options: Options) -> Lock:
    """Compile a policy, calendar and manual locks for some weeks.

    Raises `InputError` where the result is more than an API server takes.
    """
    until = options.at + timedelta(weeks=options.weeks)
    span = Span(micros(options.at - _BEFORE), micros(until))
    found = segments(rules(timeline, options.environment, span))
    notes = _annotations(timeline, calendar_sha256, options, until)
    documents = tuple(_documents(timeline, found, notes, options, until))
    for document in documents:
        _check(document, options)
    return Lock(segments=found, until=until, documents=documents)


def document_bytes(document: Document) -> int:
    """How long a document is as JSON."""
    return len(msgspec.json.encode(document))


def _documents(
    timeline: Timeline, found: Segments, notes: Mapping[str, str], options: Options, until: datetime
) -> Iterator[Document]:
    policy = timeline.policy
    enforcing = policy.mode == "enforce"
    match = _match(policy.exempt, options)
    variables = [
        ("clock", CLOCK),
        ("user", USER),
        ("human", is_human(policy.identities)),
        *change_variables(),
        ("denied", denied(policy.actions)),
        *calendar_variables(found),
        ("aside", aside()),
    ]
    yield _policy(
        NAME,
        notes,
        match,
        variables,
        validations=[
            _validation(
                "variables.clock != ''",
                "'Saturday Gate: the Lease ' + params.metadata.name + ' of an API server has no"
                " renewTime, so that the fallback lock cannot know the time'",
            ),
            _validation(
                "!variables.locked || size(variables.denied) == 0 || variables.aside",
                _message(enforcing=enforcing),
            ),
        ],
        failure="Fail" if enforcing else "Ignore",
    )
    yield _binding(NAME, notes, "Deny" if enforcing else "Warn")
    end = instant_text(micros(until) // SECOND)
    yield _policy(
        EXPIRY_NAME,
        notes,
        match,
        [("clock", CLOCK)],
        validations=[
            _validation(
                f"variables.clock < '{end}'",
                f"'Saturday Gate: the fallback lock knows no windows after {end}Z;"
                " compile and apply it again (gate fallback compile)'",
            )
        ],
        failure="Ignore",
    )
    yield _binding(EXPIRY_NAME, notes, "Warn")


def _message(*, enforcing: bool) -> str:
    """What a refused person reads, on one line; nothing is worked out while nothing is locked."""
    said = (
        "'Saturday Gate: ' + variables.denied.join(' and ') + (variables.human ? ' by a person' :"
        " ' by automation') + ' is locked ' + variables.until"
    )
    if enforcing:
        said += (
            " + ' (fallback lock: the gate itself does not answer). In an emergency, whoever may"
            " annotate the namespace opens it, here for an hour: kubectl annotate --overwrite"
            f" namespace ' + request.namespace + ' {OVERRIDE_UNTIL}=' +"
            " string(timestamp(variables.clock + 'Z') + duration('1h'))"
        )
    else:
        said += " + ' (fallback lock, mode warn: not refused)'"
    return f"variables.locked ? {said} : ''"


def _annotations(
    timeline: Timeline, calendar_sha256: str | None, options: Options, until: datetime
) -> dict[str, str]:
    known = {
        "policy": timeline.policy.name,
        "policy-sha256": timeline.policy.sha256,
        "calendar-sha256": calendar_sha256,
        "environment": options.environment,
        "tzdata": TZDATA_VERSION,
        "compiled-at": format_instant(options.at.replace(microsecond=0)),
        "compiled-until": format_instant(until.replace(microsecond=0)),
    }
    return {f"{PREFIX}/{key}": value for key, value in known.items() if value}


def _match(exempt: tuple[str, ...], options: Options) -> Document:
    operations = ["CREATE", "UPDATE", "DELETE"]
    never = sorted({NEVER_MATCHED, options.own_namespace})
    kinds = ["deployments", "statefulsets", "daemonsets"]
    return {
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {
                "matchLabels": {PROTECT_LABEL: "true"},
                "matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": never}
                ],
            },
            "resourceRules": [
                {
                    "apiGroups": ["apps"],
                    "apiVersions": ["*"],
                    "operations": operations,
                    "resources": [*kinds, "deployments/scale", "statefulsets/scale"],
                    "scope": "Namespaced",
                }
            ],
        },
        "matchConditions": [
            {"name": "not-exempt", "expression": not_exempt(exempt)},
            {"name": "changes-the-spec", "expression": CHANGES_SPEC},
        ],
    }


def _policy(
    name: str,
    notes: Mapping[str, str],
    match: Document,
    variables: list[Variable],
    *,
    validations: list[Document],
    failure: str,
) -> Document:
    return {
        "apiVersion": API_VERSION,
        "kind": POLICY_KIND,
        "metadata": _metadata(name, notes),
        "spec": {
            "failurePolicy": failure,
            "paramKind": {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"},
            **match,
            "variables": [{"name": key, "expression": text} for key, text in variables],
            "validations": validations,
        },
    }


def _binding(name: str, notes: Mapping[str, str], action: str) -> Document:
    return {
        "apiVersion": API_VERSION,
        "kind": BINDING_KIND,
        "metadata": _metadata(name, notes),
        "spec": {
            "policyName": name,
            "validationActions": [action],
            "paramRef": {
                "namespace": LEASE_NAMESPACE,
                "selector": {"matchLabels": LEASE_LABELS},
                "parameterNotFoundAction": "Deny",
            },
        },
    }


def _metadata(name: str, notes: Mapping[str, str]) -> Document:
    labels = {
        "app.kubernetes.io/name": "saturday-gate",
        "app.kubernetes.io/component": "fallback-lock",
        "app.kubernetes.io/managed-by": "saturday-gate",
    }
    return {"name": name, "labels": labels, "annotations": dict(notes)}


def _validation(expression: str, message: str) -> Document:
    return {"expression": expression, "messageExpression": message, "reason": "Forbidden"}


def _check(document: Document, options: Options) -> None:
    spec = document["spec"]
    lengths = {
        each.get("name", "validation"): len(each["expression"])
        for part in ("matchConditions", "variables", "validations")
        for each in spec.get(part, ())
    }
    longest = max(lengths, key=lambda name: lengths[name], default="")
    if lengths and lengths[longest] > MAX_CODE_POINTS:
        raise InputError.of(
            f"the policy compiles to an expression {longest!r} of {lengths[longest]} characters;"
            f" an API server takes {MAX_CODE_POINTS}",
            mend="shorten its lists of exempt users, identities or globs",
        )
    size = document_bytes(document)
    if size > MAX_DOCUMENT_BYTES:
        raise InputError.of(
            f"{options.weeks} weeks compile to {size} bytes; an API server takes"
            f" {MAX_DOCUMENT_BYTES}",
            field="--weeks",
            mend="compile fewer weeks, or give the policy fewer rules that differ by scope",
        )
