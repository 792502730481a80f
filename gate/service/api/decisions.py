"""``/api/v1/decisions``: decide and record; read what was decided."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from gate.core import decision as core
from gate.core.instants import parse_instant
from gate.core.policy import Action
from gate.inputs.lines import BadLine, Defaults, read_line
from gate.ledger.read import Filter
from gate.service.api.context import Caller, Gate
from gate.service.api.identity import Identity
from gate.service.api.problems import FieldError, Refused
from gate.service.api.schema import BAD, INSTANT, answered, refused, taken

DOOR = "api"
"""How the ledger names what was decided here."""
MOST_ITEMS = 500
_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_encode = msgspec.json.Encoder().encode
router = APIRouter(prefix="/api/v1/decisions", tags=["decisions"])


@router.post(
    "",
    operation_id="decide",
    responses=answered("Decision", "The decision, whatever its verdict.") | refused(*BAD, 403, 415),
    openapi_extra=taken("Line", "The fields of a line of `gate check --batch`."),
)
async def decide(request: Request, gate: Gate, caller: Caller) -> Response:
    """Decide whether a change may go out, and record it.

    *Undecided* with the reason `store-unavailable`, and `recorded` false, where it cannot be
    recorded.
    """
    caller.may("deployer")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refused(415, "the content type must be application/json")
    asked, at = _read(await request.body(), caller)
    decision = await gate.decider.decide(caller.vouched(asked), at or gate.clock(), door=DOOR)
    return _json(_encode(decision))


@router.get(
    "/{id}",
    operation_id="decision",
    responses=answered("Decision", "The decision as it was recorded.") | refused(*BAD, 404),
)
async def show(
    gate: Gate, caller: Caller, identifier: Annotated[str, Path(alias="id", pattern=_UUID)]
) -> Response:
    """One decision."""
    caller.may("viewer")
    found = await gate.waited(gate.decisions.get, identifier.lower(), caller.repository)
    if found is None:
        raise Refused(404, "no decision has this id")
    return _json(found)


@router.get(
    "",
    operation_id="decisions",
    responses=answered("Page", "Decisions, newest first.") | refused(*BAD, 404),
)
async def page(
    gate: Gate,
    caller: Caller,
    verdict: core.Verdict | None = None,
    effect: core.Effect | None = None,
    since: Annotated[
        str | None,
        Query(alias="from", description="Decided then or later.", json_schema_extra=INSTANT),
    ] = None,
    until: Annotated[
        str | None, Query(alias="to", description="Decided before.", json_schema_extra=INSTANT)
    ] = None,
    actor: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 50,
    after: Annotated[
        str | None, Query(pattern=_UUID, description="`next` of the page before.")
    ] = None,
) -> Response:
    """Decisions that were recorded, a page at a time."""
    caller.may("viewer")
    wanted = Filter(
        kind="decision",
        since=_instant("from", since),
        until=_instant("to", until),
        verdict=verdict,
        effect=effect,
        actor=_stored("actor", actor),
        repository=caller.repository,
    )
    try:
        found = await gate.waited(
            gate.decisions.page, wanted, limit=limit, after=after.lower() if after else None
        )
    except LookupError:
        why = "no decision has this id"
        raise Refused(404, why, errors=[FieldError(why, "after")]) from None
    return _json(_encode(found))


def _read(body: bytes, caller: Identity) -> tuple[core.Request, datetime | None]:
    usual = core.Request(action=Action.DEPLOY, invoker=caller.default_invoker)
    try:
        return read_line(body, Defaults(at=None, request=usual))
    except BadLine as bad:
        raise Refused(422, bad.message, errors=[FieldError(bad.message, bad.field)]) from None


def _instant(name: str, given: str | None) -> datetime | None:
    try:
        return None if given is None else parse_instant(given)
    except ValueError as error:
        raise Refused(422, str(error), errors=[FieldError(str(error), name)]) from None


def _stored(name: str, given: str | None) -> str | None:
    if given is not None and "\x00" in given:
        why = "PostgreSQL keeps no text with a zero character"
        raise Refused(422, why, errors=[FieldError(why, name)])
    return given


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
