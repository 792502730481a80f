"""An admission review as it comes from the API server, read as far as the gate needs it."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Raw

from gate.cluster.raw_json import fault_of, members_of
from gate.cluster.scanning import Members, Unreadable
from gate.core.printable import plain
from gate.core.problems import InputError, Problem

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
_Name = Annotated[str, Meta(min_length=1)]
_Version = Literal["admission.k8s.io/v1"]
_Kind = Literal["AdmissionReview"]
_MAX_NAMED = 60


class BadReview(InputError):  # noqa: N818 - named for what was sent, as its base is for input
    """A body that is no AdmissionReview, or whose request cannot be answered."""


class GroupVersionKind(msgspec.Struct, frozen=True):
    """What an object is; the core group is empty."""

    group: str = ""
    version: str = ""
    kind: str = ""


class GroupVersionResource(msgspec.Struct, frozen=True):
    """Where an object was written; the core group is empty."""

    group: str = ""
    version: str = ""
    resource: str = ""


class User(msgspec.Struct, frozen=True):
    """Who asks the API server."""

    username: _Name
    groups: tuple[str, ...] | None = ()
    uid: str | None = None
    extra: dict[str, tuple[str, ...] | None] | None = None


class Review(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "sub_resource": "subResource",
        "user": "userInfo",
        "dry_run": "dryRun",
        "old_object": "oldObject",
    },
):
    """The request of an AdmissionReview. Objects are members not yet decoded, None where null.

    ``readable`` is false where an object is there and is no JSON object.
    """

    uid: _Name
    operation: Operation
    user: User
    kind: GroupVersionKind = GroupVersionKind()
    resource: GroupVersionResource = GroupVersionResource()
    sub_resource: str | None = None
    name: str | None = None
    namespace: str | None = None
    dry_run: bool | None = None
    object: Members | None = None
    old_object: Members | None = None
    readable: ClassVar[bool] = True


class _OddReview(Review, frozen=True, kw_only=True):
    readable: ClassVar[bool] = False


class _Envelope(msgspec.Struct, frozen=True):
    apiVersion: _Version  # noqa: N815  (the API's name)
    kind: _Kind
    request: Review


_read = msgspec.json.Decoder(_Envelope).decode


def read_review(body: bytes | bytearray | memoryview) -> Review:
    """The request of an `admission.k8s.io/v1` AdmissionReview.

    Raises `BadReview` where the body is not JSON or no such review, or where ``uid``, ``operation``
    or ``userInfo`` is malformed. Whatever else is not as it should be is left out: an object of
    any shape is for `gate.cluster.changes` to judge.
    """
    # The members read from it are views of the text, which must not change under them.
    text = body if isinstance(body, bytes) else bytes(body)
    try:
        return _read(text).request
    except (ValueError, RecursionError):
        return _read_slowly(text)


def _read_slowly(text: bytes) -> Review:
    if fault := fault_of(text):
        raise BadReview.of(f"the body is not JSON: {fault}")
    try:
        envelope = members_of(text)
        found = members_of(envelope["request"]) if envelope and "request" in envelope else None
    except Unreadable as error:
        raise BadReview.of(f"the body is not JSON: {error}") from None
    if envelope is None or _as(_Kind, envelope.get("kind")) is None:
        raise BadReview.of("the body is not an AdmissionReview", field="kind")
    if _as(_Version, envelope.get("apiVersion")) is None:
        raise BadReview.of("is not admission.k8s.io/v1", field="apiVersion")
    if found is None:
        raise BadReview.of("the AdmissionReview has no request", field="request")
    return _review_of(found)


def _review_of(found: Members) -> Review:
    required = (
        ("uid", _Name, "is not a text"),
        ("operation", Operation, "is not CREATE, UPDATE, DELETE or CONNECT"),
        ("userInfo", User, "does not name a user"),
    )
    read = {name: _as(of, found.get(name)) for name, of, _ in required}
    problems = [
        Problem(message=f"{why}{_shown(found.get(name))}", field=f"request.{name}")
        for name, _, why in required
        if read[name] is None
    ]
    if problems:
        raise BadReview(problems)
    (new, new_readable), (old, old_readable) = (
        _object(found.get(name)) for name in ("object", "oldObject")
    )
    return (Review if new_readable and old_readable else _OddReview)(
        uid=read["uid"],
        operation=read["operation"],
        user=read["userInfo"],
        kind=_as(GroupVersionKind, found.get("kind")) or GroupVersionKind(),
        resource=_as(GroupVersionResource, found.get("resource")) or GroupVersionResource(),
        sub_resource=_as(str, found.get("subResource")),
        name=_as(str, found.get("name")),
        namespace=_as(str, found.get("namespace")),
        dry_run=_as(bool, found.get("dryRun")),
        object=new,
        old_object=old,
    )


def _object(raw: Raw | None) -> tuple[Members | None, bool]:
    """An object's members, if there is one; and whether what is there is an object or nothing."""
    if raw is None or bytes(raw) == b"null":
        return None, True
    try:
        found = members_of(raw)
    except Unreadable:
        found = None
    return found, found is not None


def _as(wanted: Any, raw: Raw | None) -> Any:
    """A member of this type, or None; so is text that could not be encoded again."""
    try:
        return None if raw is None else msgspec.json.decode(raw, type=wanted)
    except (ValueError, RecursionError):
        return None


def _shown(raw: Raw | None) -> str:
    if raw is None:
        return ": it is missing"
    text = bytes(raw)[: 4 * _MAX_NAMED].decode(errors="replace")
    return f": {plain(text[:_MAX_NAMED])}{'…' if len(text) > _MAX_NAMED else ''}"
