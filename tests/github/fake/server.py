"""The fake's HTTP: routes, paging, ETags, tokens, limits, latency, and a log of every request."""

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.github.fake.faults import Fault, Secondary
from tests.github.fake.state import ACTIONS_APP, Repository, stamp

TOKEN = "ghs_of_a_test"
ALL_WRITE = {"checks": "write", "statuses": "write"}


@dataclass
class Grant:
    """What a token may do, and of which App it is."""

    permissions: dict[str, str] = field(default_factory=lambda: dict(ALL_WRITE))
    app_id: int = ACTIONS_APP
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Logged:
    """A request as it was answered; ``at`` in monotonic seconds, when it came."""

    verb: str
    path: str
    status: int
    body: Any
    at: float
    token: str


@dataclass
class Asked:
    """A request on its way to a handler."""

    verb: str
    path: str
    query: dict[str, str]
    body: Any
    grant: Grant
    match: "re.Match[str]"


@dataclass
class Reply:
    """An answer; a list is paged, anything that is read gets an ETag."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    paged: bool = False


Handler = Callable[[Asked], Reply]


class FakeGitHub:
    """The server; use it as a context manager, or `start` and `stop` it."""

    def __init__(self, *, prefix: str = "", latency_seconds: float = 0.0) -> None:
        self.repositories = {"acme/bookings": Repository()}
        self.tokens = {TOKEN: Grant()}
        self.apps: dict[str, RSAPublicKey] = {}
        self.installations: dict[int, tuple[str, str]] = {}
        self.token_seconds = 3600
        self.prefix = prefix
        self.latency_seconds = latency_seconds
        self.faults: list[Fault] = []
        self.secondary: Secondary | None = None
        self.before: Callable[[str, str], None] = lambda _verb, _path: None
        self.log: list[Logged] = []
        self.monotonic: Callable[[], float] = time.monotonic
        self.lock = threading.RLock()
        self.ending = threading.Event()
        self.routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._server: _Server | None = None
        _add_routes(self)

    @property
    def repository(self) -> Repository:
        """The one that there is from the start."""
        return self.repositories["acme/bookings"]

    @property
    def url(self) -> str:
        """What ``GITHUB_API_URL`` is to be."""
        assert self._server is not None, "not started"
        return f"http://127.0.0.1:{self._server.server_port}{self.prefix}"

    def start(self) -> Self:
        """Listen on a free port."""
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Break every connection and end."""
        self.ending.set()
        assert self._server is not None, "not started"
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def route(self, verb: str, pattern: str, handler: Handler) -> None:
        """Answer further requests: ``pattern`` matches the whole path after the prefix."""
        self.routes.insert(0, (verb, re.compile(pattern), handler))

    def fail(self, verb: str, path: str, **how: Any) -> Fault:
        """Make requests fail, see `Fault`."""
        fault = Fault(verb=verb, path=path, **how)
        with self.lock:
            self.faults.append(fault)
        return fault

    def add_app(self, app_id: str, key: RSAPublicKey, repository: str) -> int:
        """An App that is installed on a repository; the installation's number."""
        number = 7000 + len(self.installations)
        self.apps[app_id] = key
        self.installations[number] = (app_id, repository)
        return number

    def asked(self, verb: str = "", path: str = "") -> list[Logged]:
        """The requests so far of a verb (``POST|PATCH``: either) and a pattern of paths."""
        with self.lock:
            return [
                each
                for each in self.log
                if (not verb or each.verb in verb.split("|")) and re.search(path, each.path)
            ]

    def forget(self) -> None:
        """Empty the log."""
        with self.lock:
            self.log.clear()

    def answer(self, verb: str, target: str, token: str, body: Any) -> Reply | None:
        """Answer a request; None: break the connection."""
        parts = urlsplit(target)
        if not parts.path.startswith(self.prefix + "/"):
            return Reply(404, {"message": "Not Found"})
        path = parts.path[len(self.prefix) :]
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.before(verb, path)
        with self.lock:
            fault = next((each for each in self.faults if each.strikes(verb, path)), None)
            limited = (
                fault is None
                and verb != "GET"
                and self.secondary is not None
                and self.secondary.refuses(self.monotonic())
            )
        if limited and self.secondary is not None:
            message = "You have exceeded a secondary rate limit."
            return Reply(403, {"message": message}, {"Retry-After": self.secondary.retry_after})
        if fault is not None:
            if fault.done:
                self._carried_out(verb, path, query, token, body)
            if fault.hang_seconds:
                self.ending.wait(fault.hang_seconds)
            if fault.cut:
                return None
            return Reply(fault.status, fault.body or {"message": "a fault"}, dict(fault.headers))
        return self._carried_out(verb, path, query, token, body)

    def _carried_out(
        self, verb: str, path: str, query: dict[str, str], token: str, body: Any
    ) -> Reply:
        grant = self._grant(path, token)
        if grant is None:
            return Reply(401, {"message": "Bad credentials"})
        for wanted, pattern, handler in self.routes:
            if wanted == verb and (match := pattern.fullmatch(path)):
                return handler(Asked(verb, path, query, body, grant, match))
        return Reply(404, {"message": "Not Found"})

    def _grant(self, path: str, token: str) -> Grant | None:
        if path.startswith("/app/") or path.endswith("/installation"):
            return self._app_grant(token)
        with self.lock:
            grant = self.tokens.get(token)
        if grant and grant.expires_at and grant.expires_at < datetime.now(UTC):
            return None
        return grant

    def _app_grant(self, token: str) -> Grant | None:
        """The App that a JWT proves: signature, issuer, at most ten minutes."""
        for app_id, key in self.apps.items():
            try:
                claims = jwt.decode(token, key, algorithms=["RS256"], issuer=app_id)
            except jwt.InvalidTokenError:
                continue
            if claims["exp"] - claims["iat"] <= 660:
                return Grant(app_id=int(app_id))
        return None

    def installation_token(self, number: int) -> Reply:
        """A new token of an installation."""
        app_id, _ = self.installations[number]
        expires = datetime.now(UTC) + timedelta(seconds=self.token_seconds)
        with self.lock:
            token = f"ghs_installation_{number}_{len(self.tokens)}"
            self.tokens[token] = Grant(app_id=int(app_id), expires_at=expires)
        return Reply(201, {"token": token, "expires_at": stamp(expires), "permissions": ALL_WRITE})


def _add_routes(fake: FakeGitHub) -> None:
    repo = r"/repos/(?P<repo>[^/]+/[^/]+)"
    for verb, pattern, handler in (
        ("GET", repo, _repository),
        ("GET", f"{repo}/pulls", _pulls),
        ("GET", f"{repo}/git/matching-refs/(?P<prefix>.+)", _refs),
        ("GET", f"{repo}/commits/(?P<sha>[^/]+)/check-runs", _check_runs),
        ("POST", f"{repo}/check-runs", _create_run),
        ("PATCH", f"{repo}/check-runs/(?P<run>[0-9]+)", _update_run),
        ("GET", f"{repo}/commits/(?P<sha>[^/]+)/status", _combined),
        ("GET", f"{repo}/commits/(?P<sha>[^/]+)/statuses", _statuses),
        ("POST", f"{repo}/statuses/(?P<sha>[^/]+)", _create_status),
    ):
        fake.route(verb, pattern, _with_repository(fake, handler))
    fake.route("GET", f"{repo}/installation", lambda asked: _installation(fake, asked))
    fake.route(
        "POST",
        r"/app/installations/(?P<number>[0-9]+)/access_tokens",
        lambda asked: fake.installation_token(int(asked.match["number"])),
    )


def _with_repository(fake: FakeGitHub, handler: Callable[[Repository, Asked], Reply]) -> Handler:
    def handle(asked: Asked) -> Reply:
        found = fake.repositories.get(asked.match["repo"])
        return handler(found, asked) if found else Reply(404, {"message": "Not Found"})

    return handle


def _repository(repository: Repository, _: Asked) -> Reply:
    return Reply(200, {"full_name": repository.name, "default_branch": repository.default_branch})


def _pulls(repository: Repository, asked: Asked) -> Reply:
    return Reply(200, repository.open_pulls(asked.query.get("state", "open")), paged=True)


def _refs(repository: Repository, asked: Asked) -> Reply:
    return Reply(200, repository.matching_refs(unquote(asked.match["prefix"])))


def _check_runs(repository: Repository, asked: Asked) -> Reply:
    runs = repository.check_runs(
        asked.match["sha"],
        asked.query.get("check_name"),
        latest=asked.query.get("filter", "latest") == "latest",
    )
    return Reply(200, {"total_count": len(runs), "check_runs": runs})


def _create_run(repository: Repository, asked: Asked) -> Reply:
    if asked.grant.permissions.get("checks") != "write":
        return Reply(403, {"message": "Resource not accessible by integration"})
    return Reply(201, repository.add_run(asked.body, asked.grant.app_id))


def _update_run(repository: Repository, asked: Asked) -> Reply:
    number = int(asked.match["run"])
    if asked.grant.permissions.get("checks") != "write":
        return Reply(403, {"message": "Resource not accessible by integration"})
    owner = next((run["app"]["id"] for run in repository.runs if run["id"] == number), None)
    if owner is not None and owner != asked.grant.app_id:
        return Reply(403, {"message": f"Invalid app_id `{asked.grant.app_id}`"})
    run = repository.update_run(number, asked.body)
    return Reply(200, run) if run else Reply(404, {"message": "Not Found"})


def _combined(repository: Repository, asked: Asked) -> Reply:
    newest: dict[str, dict[str, Any]] = {}
    for each in repository.statuses_of(asked.match["sha"]):
        newest.setdefault(each["context"], each)
    return Reply(200, {"sha": asked.match["sha"], "statuses": list(newest.values())})


def _statuses(repository: Repository, asked: Asked) -> Reply:
    return Reply(200, repository.statuses_of(asked.match["sha"]), paged=True)


def _create_status(repository: Repository, asked: Asked) -> Reply:
    if asked.grant.permissions.get("statuses") != "write":
        return Reply(403, {"message": "Resource not accessible by integration"})
    if len(asked.body.get("description") or "") > 140:
        return Reply(422, {"message": "Validation Failed"})
    return Reply(201, repository.add_status(asked.match["sha"], asked.body))


def _installation(fake: FakeGitHub, asked: Asked) -> Reply:
    for number, (app_id, repository) in fake.installations.items():
        if int(app_id) == asked.grant.app_id and repository == asked.match["repo"]:
            return Reply(200, {"id": number, "app_id": int(app_id)})
    return Reply(404, {"message": "Not Found"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, fake: FakeGitHub) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """The log is a list."""

    def _answer(self) -> None:
        fake = self.server.fake
        at = fake.monotonic()
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if fake.latency_seconds:
            fake.ending.wait(fake.latency_seconds)
        token = (self.headers.get("Authorization") or "").partition(" ")[2]
        reply = fake.answer(self.command, self.path, token, body)
        status, headers, payload = self._rendered(reply) if reply else (0, {}, b"")
        with fake.lock:
            fake.log.append(Logged(self.command, self.path, status, body, at, token))
        if reply is None or fake.ending.is_set():
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if payload:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def _rendered(self, reply: Reply) -> tuple[int, dict[str, str], bytes]:
        data, headers = reply.data, dict(reply.headers)
        if reply.paged:
            data = self._page(data, headers)
        payload = b"" if data is None else json.dumps(data).encode()
        if self.command != "GET" or reply.status != 200:
            return reply.status, headers, payload
        headers["ETag"] = etag = f'W/"{hashlib.sha256(payload).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            return 304, headers, b""
        return 200, headers, payload

    def _page(self, items: list[Any], headers: dict[str, str]) -> list[Any]:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        if page * size < len(items):
            query["page"] = str(page + 1)
            following = "&".join(f"{name}={value}" for name, value in query.items())
            host = self.headers["Host"]
            headers["Link"] = f'<http://{host}{parts.path}?{following}>; rel="next"'
        return items[(page - 1) * size : page * size]
