"""From files to the admission reviews that `gate webhook test` judges."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from gate.cluster.configuration import sends
from gate.cluster.history import Entry, controller_revision_entry, replica_set_entry
from gate.cluster.manifests import MAX_BYTES, Manifest, read_manifests
from gate.cluster.review import Review, read_review
from gate.cluster.reviewing import (
    Asking,
    Identity,
    admission_review,
    group_and_version,
    identity_of,
    knows_removals,
    resource_of,
)
from gate.core.problems import InputError, Problem

_BLIND = (
    "has no last-applied annotation where it stands: fields that were taken out of the manifest"
    " count as kept"
)
_HOLDERS = {"ReplicaSet": replica_set_entry, "ControllerRevision": controller_revision_entry}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say: ``namespace`` is that of objects which name none.

    ``operation`` None: an update of what stands, a creation of anything else.
    """

    asking: Asking
    namespace: str
    operation: str | None
    standing: Mapping[Identity, Manifest]
    own_reviews: bool


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A document and its review; ``review`` None: the API server does not ask the webhook."""

    manifest: Manifest
    kind: str
    namespace: str
    name: str
    operation: str
    review: Review | None
    note: str | None = None


def read_file(path: str) -> list[Manifest]:
    """The objects in a file, or of standard input (``-``); InputError where they are none."""
    if path == "-":
        return read_manifests(sys.stdin.buffer.read(MAX_BYTES + 1), path)
    try:
        with Path(path).open("rb") as stream:
            return read_manifests(stream.read(MAX_BYTES + 1), path)
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None


def read_files(paths: Sequence[str]) -> list[Manifest]:
    """The objects in all of them, in order; InputError with the problems of every file."""
    found: list[Manifest] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found += read_file(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def standing_of(
    manifests: Sequence[Manifest], namespace: str
) -> tuple[dict[Identity, Manifest], list[Entry]]:
    """Objects by what they are, and the pod templates that their revisions remember."""
    standing: dict[Identity, Manifest] = {}
    entries: list[Entry] = []
    problems: list[Problem] = []
    for each in manifests:
        if each.content["kind"] in _HOLDERS:
            entry = _HOLDERS[each.content["kind"]](each.content)
            entries += [] if entry is None else [entry]
            continue
        try:
            standing[identity_of(each.content, namespace)] = each
        except InputError as error:
            problems += _placed(each, error)
    if problems:
        raise InputError(problems)
    return standing, entries


def cases_of(manifests: Sequence[Manifest], wanted: Wanted) -> list[Case]:
    """A case for each document; InputError with the problems of all of them."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for each in manifests:
        try:
            is_review = each.content["kind"] == "AdmissionReview"
            cases.append(_given(each, wanted) if is_review else _built(each, wanted))
        except InputError as error:
            problems += _placed(each, error)
    if not problems and wanted.standing and not any(_stands(case, wanted) for case in cases):
        at = next(iter(wanted.standing.values()))
        problems.append(
            Problem(
                message="holds none of the objects that are to be judged",
                file=at.file,
                mend="the same kind, namespace and name must stand there",
            )
        )
    if problems:
        raise InputError(problems)
    return cases


def _given(manifest: Manifest, wanted: Wanted) -> Case:
    """A review that was written down."""
    if not wanted.own_reviews:
        raise InputError.of(
            "is an AdmissionReview, which says itself who asks and for what",
            mend="leave out --old, --operation, --user, --group, --namespace and --dry-run",
        )
    review = read_review(msgspec.json.encode(manifest.content))
    sub = f"/{review.sub_resource}" if review.sub_resource else ""
    named = _metadata(manifest.content["request"])
    return Case(
        manifest=manifest,
        kind=f"{review.kind.kind}{sub}",
        namespace=review.namespace or "",
        name=review.name or str(named.get("name") or named.get("generateName") or ""),
        operation=review.operation,
        review=review,
    )


def _metadata(request: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("object", "oldObject"):
        value = request.get(name)
        if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
            found: dict[str, Any] = value["metadata"]
            return found
    return {}


def _built(manifest: Manifest, wanted: Wanted) -> Case:
    """The review that an API server would send of a manifest."""
    content = manifest.content
    if content["kind"] == "Scale":
        raise InputError.of(
            "is a Scale, which does not say what it scales",
            mend="give the object itself with other spec.replicas, or an AdmissionReview",
        )
    who = identity_of(content, wanted.namespace)
    old = wanted.standing.get(who)
    operation = wanted.operation or ("UPDATE" if old else "CREATE")
    if operation == "UPDATE" and old is None:
        raise InputError.of(
            "is to be updated, and nobody says from what",
            mend="give the object as it stands with --old FILE",
        )
    case = Case(
        manifest=manifest, kind=who.kind, namespace=who.namespace, name=who.name,
        operation=operation, review=None,
    )  # fmt: skip
    resource = resource_of(content)
    if resource is None or not sends(*group_and_version(content), resource, operation):
        return case
    body = msgspec.json.encode(
        admission_review(
            content,
            old.content if old else None,
            operation,
            wanted.asking,
            namespace=wanted.namespace,
            uid=str(uuid4()),
        )
    )
    blind = (
        operation == "UPDATE"
        and old is not None
        and not content["metadata"].get("uid")
        and not knows_removals(old.content)
    )
    note = _BLIND if blind else None
    return msgspec.structs.replace(case, review=read_review(body), note=note)


def _stands(case: Case, wanted: Wanted) -> bool:
    return identity_of(case.manifest.content, wanted.namespace) in wanted.standing


def _placed(manifest: Manifest, error: InputError) -> list[Problem]:
    """The problems of a document, with its place."""
    return [manifest.problem(each.message, each.field, each.mend) for each in error.problems]
