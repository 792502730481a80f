"""The OpenAPI document: its schemas are those of the values that are sent."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gate.core.decision import Decision
from gate.inputs.lines import Line
from gate.service.api.problems import MEDIA_TYPE, ProblemDocument
from gate.service.decisions import Page

Responses = dict[int | str, dict[str, Any]]
INSTANT = {
    "format": "date-time",
    "pattern": (
        r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
        r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
    ),
}
"""How instants are written, as JSON Schema; `gate.core.instants` has the last word."""
BAD = (401, 408, 413, 422, 429, 500, 503)
"""What any route with parameters or a body may answer."""
_WORDS = {
    401: "Credentials are missing or no good.",
    403: "The credentials do not allow this.",
    404: "There is none.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is no JSON by its content type.",
    422: "The request is wrong; `errors` says where.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "A defect of the gate.",
    503: "The gate, its database or the issuer of tokens cannot answer now.",
}


def answered(name: str, description: str, status: int = 200) -> Responses:
    """A good answer of that schema."""
    return {status: {"description": description, "content": _content("application/json", name)}}


def refused(*statuses: int) -> Responses:
    """Problems."""
    return {
        status: {"description": _WORDS[status], "content": _content(MEDIA_TYPE, "ProblemDocument")}
        for status in statuses
    }


def taken(name: str, description: str) -> dict[str, Any]:
    """A body of that schema."""
    content = _content("application/json", name)
    return {"requestBody": {"required": True, "description": description, "content": content}}


def document(app: FastAPI, *, secured: bool) -> dict[str, Any]:
    """The document of an application, made once; ``secured``: credentials are asked for."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _, schemas = msgspec.json.schema_components(
            (Line, Decision, Page, ProblemDocument), ref_template="#/components/schemas/{name}"
        )
        at = schemas["Line"]["properties"]["at"]["anyOf"]
        at[:] = [{**each, **INSTANT} if each["type"] == "string" else each for each in at]
        components = made.setdefault("components", {})
        components["schemas"] = schemas
        if secured:
            scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            components["securitySchemes"] = {"token": scheme}
            made["security"] = [{"token": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _content(media_type: str, name: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
