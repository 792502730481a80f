"""The Action's inputs, read in one place from the environment that GitHub makes of them."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from gate.core.instants import parse_duration
from gate.core.policy import Action
from gate.core.problems import InputError, Problem

POLICY = ".gate/policy.yaml"
CALENDAR = ".gate/calendar.csv"
WAIT_TIMEOUT = "30m"


class Mode(StrEnum):
    """What a refusal does: fail the step, be reported only, or wait until it opens."""

    FAIL = "fail"
    WAIT = "wait"
    REPORT = "report"


class Audit(StrEnum):
    """Whether a decision that is recorded nowhere may let a change go out."""

    AUTO = "auto"
    REQUIRED = "required"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Valid inputs. Paths are as the user wrote them; at most one of server and dsn is given."""

    policy: str
    calendars: tuple[str, ...]
    action: Action
    environment: str | None
    namespace: str | None
    service: str | None
    mode: Mode
    wait_timeout: timedelta
    server: str | None
    dsn: str | None
    audit: Audit
    token: str | None

    @property
    def has_record(self) -> bool:
        """Whether a place is named where decisions are recorded, and locks are read from."""
        return self.server is not None or self.dsn is not None

    def __repr__(self) -> str:
        """Without what must not be printed."""
        return f"Settings(action={self.action!r}, mode={self.mode!r})"


_Choice = TypeVar("_Choice", bound=StrEnum)


def read_settings(environ: Mapping[str, str], is_file: Callable[[str], bool]) -> Settings:
    """The inputs, an empty one counting as left out.

    ``is_file`` says whether a path names something that is no directory. Raises `InputError` with
    every problem. Policy and calendars may be missing only where a server decides.
    """
    inputs = _Inputs(environ)
    server = inputs.parsed("server", None, _server)
    settings = Settings(
        policy=inputs.text("policy") or POLICY,
        calendars=inputs.lines("calendar") or (CALENDAR,),
        action=inputs.choice("action", Action.DEPLOY),
        environment=inputs.text("environment"),
        namespace=inputs.text("namespace"),
        service=inputs.text("service"),
        mode=inputs.choice("mode", Mode.FAIL),
        wait_timeout=inputs.parsed("wait-timeout", WAIT_TIMEOUT, parse_duration),
        server=server,
        dsn=inputs.text("dsn"),
        audit=inputs.choice("audit", Audit.AUTO),
        token=inputs.text("github-token"),
    )
    problems = inputs.problems
    if inputs.text("server") is None:
        problems += _missing(settings, is_file)
    elif settings.dsn is not None:
        problems.append(
            Problem(
                field="server",
                message="both server and dsn are given",
                mend="give the one that decisions are recorded at",
            )
        )
    if settings.audit is Audit.REQUIRED and not (inputs.text("server") or settings.dsn):
        problems.append(
            Problem(
                field="audit",
                message="required, but there is no place to record at",
                mend="give server or dsn, or audit: auto",
            )
        )
    if problems:
        raise InputError(problems)
    return settings


def _missing(settings: Settings, is_file: Callable[[str], bool]) -> list[Problem]:
    named = [("policy", settings.policy), *(("calendar", path) for path in settings.calendars)]
    return [
        Problem(
            file=path,
            field=field,
            message="there is no such file",
            mend="check the path, and that actions/checkout runs before this step",
        )
        for field, path in named
        if not is_file(path)
    ]


def _server(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.fragment or not text.isprintable():
        raise ValueError("this is no address of a server; write https://gate.example.com")
    return text.rstrip("/")


class _Inputs:
    """``INPUT_…`` by the name of the input; ``problems`` collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def text(self, name: str) -> str | None:
        """The input without blanks around it: a block in YAML ends in a newline."""
        key = f"INPUT_{name.upper()}"
        value = self._environ.get(key) or self._environ.get(key.replace("-", "_")) or ""
        if any("\ud800" <= character <= "\udfff" for character in value):
            self._bad(name, "this is not UTF-8 text")
            return None
        return value.strip() or None

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of an input that are not blank, each once."""
        lines = (line.strip() for line in (self.text(name) or "").splitlines())
        return tuple(dict.fromkeys(line for line in lines if line))

    def choice(self, name: str, usual: _Choice) -> _Choice:
        """One of a few words."""
        words = type(usual)
        text = self.text(name) or usual
        if text in tuple(words):
            return words(text)
        self._bad(name, f"{_quoted(text)} is not one of {', '.join(words)}")
        return usual

    def parsed(self, name: str, usual: str | None, parse: Callable[[str], "_Value"]) -> "_Value":
        """What a parser makes of it; one that raises ValueError leaves a problem."""
        text = self.text(name) or usual
        if text is None:
            return None  # type: ignore[return-value]  # only where ``usual`` is None
        try:
            return parse(text)
        except ValueError as error:
            self._bad(name, str(error))
            return None  # type: ignore[return-value]  # never seen: the problem is raised

    def _bad(self, name: str, message: str) -> None:
        problem = Problem(field=name, message=message)
        if problem not in self.problems:
            self.problems.append(problem)


_Value = TypeVar("_Value")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
