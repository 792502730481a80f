"""Scopes, actions and roles of manual locks and overrides, from options."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec

from gate.core.policy import Action, Scope

Decorated = Callable[..., Any]

_FIELDS = {
    "environment": "environments",
    "namespace": "namespaces",
    "service": "services",
    "repository": "repositories",
}


def scope_globs(command: Decorated) -> Decorated:
    """``--scope``, and ``--environment`` and its like as globs."""
    for name in reversed(_FIELDS):
        command = click.option(
            f"--{name}", metavar="GLOB", multiple=True,
            help=f"Only {_FIELDS[name]} that match; repeatable.",
        )(command)  # fmt: skip
    return click.option(
        "--scope", "scope_texts", metavar="KEY=GLOB[,GLOB]", multiple=True,
        help="The same, as environments=prod*,staging or a JSON object; repeatable.",
    )(command)  # fmt: skip


def actions_option(command: Decorated) -> Decorated:
    """``--actions deploy,config``, repeatable; none: every action."""
    return click.option(
        "--actions", metavar="ACTION[,ACTION]", multiple=True, callback=_actions,
        help="Only these actions; default: all.",
    )(command)  # fmt: skip


def roles_option(text: str) -> Callable[[Decorated], Decorated]:
    """``--roles a,b``, repeatable, with the help given."""
    return click.option(
        "--roles", metavar="ROLE[,ROLE]", multiple=True, help=text,
        callback=lambda _ctx, _param, value: listed(value),
    )  # fmt: skip


def listed(texts: Iterable[str]) -> tuple[str, ...]:
    """Comma-separated, repeatable values as one list without repetition."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def scope_of(scope_texts: Sequence[str], globs: Mapping[str, Sequence[str]]) -> Scope:
    """One scope of all that was given; a usage error where a part is none."""
    found: dict[str, list[str]] = {}
    for name, values in globs.items():
        if values:
            found.setdefault(_FIELDS[name], []).extend(values)
    for text in scope_texts:
        for key, values in _parts(text):
            if key not in _FIELDS.values():
                known = ", ".join(_FIELDS.values())
                raise _bad(f"{key!r} is not one of {known}")
            found.setdefault(key, []).extend(values)
    if any("" in values for values in found.values()):
        raise _bad("a glob must have a character; write * for any")
    return Scope(**{key: tuple(dict.fromkeys(values)) for key, values in found.items()})


def scope_globs_of(scope: Scope) -> dict[str, tuple[str, ...]]:
    """The lists that a scope has, as JSON prints them."""
    named = ((key, getattr(scope, key)) for key in _FIELDS.values())
    return {key: globs for key, globs in named if globs}


def scope_words(scope: Scope) -> str:
    """``environments prod*, staging; services api``, or ``everything``."""
    named = scope_globs_of(scope).items()
    return "; ".join(f"{key} {', '.join(globs)}" for key, globs in named) or "everything"


def _parts(text: str) -> list[tuple[str, list[str]]]:
    """The keys and globs of one ``--scope``; singular keys count as plural ones."""
    if text.lstrip().startswith("{"):
        try:
            found = msgspec.json.decode(text, type=dict[str, list[str]])
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _bad(
                f'not a JSON object such as {{"environments": ["prod*"]}}: {error}'
            ) from None
        if any(not globs for globs in found.values()):
            raise _bad("a list needs at least one glob")
        return [(_FIELDS.get(key, key), globs) for key, globs in found.items()]
    key, equals, globs = text.partition("=")
    if not equals or not globs:
        raise _bad(f"{text!r} is not KEY=GLOB[,GLOB], such as environments=prod*")
    return [(_FIELDS.get(key.strip(), key.strip()), [glob.strip() for glob in globs.split(",")])]


def _actions(
    ctx: click.Context, param: click.Parameter, value: Sequence[str]
) -> tuple[Action, ...]:
    actions = []
    for name in listed(value):
        if name not in tuple(Action):
            raise click.BadParameter(f"{name!r} is not one of {', '.join(Action)}", ctx, param)
        actions.append(Action(name))
    return tuple(actions)


def _bad(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="--scope")
