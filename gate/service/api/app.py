"""The application: its routes, and how what goes wrong in them is answered."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Match

from gate import __version__
from gate.core.problems import InputError
from gate.service.api import decisions, schema
from gate.service.api.context import Context
from gate.service.api.problems import FieldError, Refused, answer
from gate.store.errors import StoreUnavailable

_DETAILS = {404: "there is nothing here", 405: "this path takes another method"}


def application(context: Context, *, parts: frozenset[str]) -> FastAPI:
    """The routes of these parts; what is not refused here, `gate.service.api.guard` answers."""
    app = FastAPI(
        title="Saturday Gate", version=__version__, docs_url=None, redoc_url=None,
        openapi_url=None, redirect_slashes=False,
        description="May this change go out while people marry? Every answer is recorded.",
    )  # fmt: skip
    app.state.gate = context
    _refusals(app)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    if "api" in parts:
        app.include_router(decisions.router)

        @app.get("/openapi.json", include_in_schema=False)
        async def openapi() -> dict[str, Any]:
            return schema.document(app, secured=context.secured)

        @app.post("/github/webhook", include_in_schema=False)
        async def webhook(request: Request) -> Response:
            if context.receiver is None:
                raise Refused(404, "GitHub's webhook is off: GATE_GITHUB_WEBHOOK_SECRET is not set")
            body = await request.body()
            headers = {name.lower(): value for name, value in request.headers.items()}
            got = await context.waited(context.receiver, headers, body, context.clock())
            retry = got.retry_seconds
            return Response(
                got.body,
                status_code=got.status,
                media_type=got.media_type,
                headers=None if retry is None else {"retry-after": str(retry)},
            )

    return app


def _refusals(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refuse(_: Request, refused: Refused) -> Response:
        status, body, headers = answer(refused)
        return Response(body, status_code=status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            FieldError(each["msg"], ".".join(map(str, each["loc"][1:])) or None)
            for each in error.errors()
        ]
        return await refuse(request, Refused(422, "the request is wrong", errors=errors))

    @app.exception_handler(InputError)
    async def bad_input(request: Request, error: InputError) -> Response:
        errors = [FieldError(problem.message, problem.field) for problem in error.problems]
        return await refuse(request, Refused(422, "the request is wrong", errors=errors))

    @app.exception_handler(StoreUnavailable)
    async def without_store(request: Request, error: StoreUnavailable) -> Response:
        refused = Refused(503, str(error), headers={"retry-after": "5"})
        return await refuse(request, refused)

    @app.exception_handler(StarletteHTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        detail = _DETAILS.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["allow"] = ", ".join(_methods(app, request))
        return await refuse(request, Refused(error.status_code, detail, headers=headers))


def _methods(app: FastAPI, request: Request) -> list[str]:
    """What the path of a request can be asked with; a router tells only of its first route."""
    found = [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in app.routes
        )
    ]
    return sorted([*found, "HEAD"] if "GET" in found else found)
