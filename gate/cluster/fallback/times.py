"""CEL for the time: the clock, the calendar, and the annotations that stand the lock aside.

The calendar is a list of texts in order of time, ``'2026-06-13T00:00:00=1'``: from that second on
formula 1 decides; RFC 3339 in UTC sorts as text. It is cut into short lists, and a tree of
comparisons picks the one that holds the clock, so that a long calendar costs no more than a short.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from gate.cluster.fallback.cel import FALSE, both, either, grouped, literal, literals, negated
from gate.cluster.fallback.changes import Variable
from gate.cluster.fallback.globs import matches
from gate.cluster.fallback.rules import Concern
from gate.cluster.fallback.segments import ANY, Formula, Segments

STANDBY_UNTIL = "saturday-gate.io/standby-until"
OVERRIDE_UNTIL = "saturday-gate.io/override-until"
CLOCK = "has(params.spec.renewTime) ? string(params.spec.renewTime).substring(0, 19) : ''"
"""The second at which an API server last renewed its Lease, as RFC 3339 text without zone."""

MAX_CODE_POINTS = 100_000
"""Of one expression; kube-apiserver's CEL parser takes no more."""

# A list ends at the first moment without a lock after so many entries, else after so many more.
_ENTRIES_A_LIST = 128
_MOST_ENTRIES_A_LIST = 512
_CHARACTERS_A_LIST = 50_000
_TIME_LENGTH = 19
_YEAR = "(?:(?:19|2[01])[0-9]{2}|2200)"
_LEAP = "(?:(?:19|2[01])(?:0[48]|[2468][048]|[13579][26])|2000)"
_DATE = (
    "(?:"
    f"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    f"|{_YEAR}-(?:0[13-9]|1[0-2])-(?:29|30)"
    f"|{_YEAR}-(?:0[13578]|1[02])-31"
    f"|{_LEAP}-02-29"
    ")"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
INSTANT = f"^{_DATE}[Tt]{_TIME}{_OFFSET}$"
"""RFC 3339 with seconds and an offset: what `timestamp` of CEL reads without an error once it is in
capitals. Anything else in an annotation is not an instant and opens nothing."""
_AFTER_LAST = "timestamp('2200-01-01T00:00:00Z')"


def instant_text(second: int) -> str:
    """Seconds since 1970 as the calendar writes them."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def calendar_variables(found: Segments) -> Iterator[Variable]:
    """From ``clock`` and what is known of the change to ``locked`` and to ``until``, in words."""
    concerns = {
        concern: f"variables.scope{number}"
        for number, concern in enumerate(_concerns(found.formulas))
    }
    for concern, name in concerns.items():
        yield name.removeprefix("variables."), _concerned(concern)
    yield from _formulas([_formula(formula, concerns) for formula in found.formulas])
    yield from _calendar(found)
    # "=" sorts before "~": an entry of this very second is past.
    yield "now", "variables.clock + '~'"
    yield "past", "variables.calendar.filter(e, e < variables.now)"
    past = "int(variables.past[size(variables.past) - 1].substring(20))"
    yield "formula", f"size(variables.past) > 0 ? {past} : 0"
    yield "locked", "variables.formula != 0 && variables.formulas[variables.formula]"
    ending = f"variables.calendar.filter(e, e >= variables.now && !{_looked_up('e')})"
    yield "ends", f"variables.locked ? {ending} : []"
    yield (
        "until",
        (
            f"size(variables.ends) > 0 ? 'until ' + {_time('variables.ends[0]')}"
            f" : {_last()}.substring(19, 20) == '+' ? 'at least until ' + {_time(_last())}"
            " : 'until it is released'"
        ),
    )


def aside() -> str:
    """Whether one of the namespace's annotations leaves the judgement to others at the clock."""
    notes = "namespaceObject.metadata.annotations"
    value = f"timestamp({notes}[k].upperAscii())"
    opens = (
        f"k in {notes}",
        f"{notes}[k].matches({literal(INSTANT)})",
        f"timestamp(string(params.spec.renewTime)) < {value}",
        f"{value} < {_AFTER_LAST}",
    )
    keys = literals((STANDBY_UNTIL, OVERRIDE_UNTIL))
    return f"has({notes}) && has(params.spec.renewTime) && {keys}.exists(k, {' && '.join(opens)})"


def is_instant(text: str) -> bool:
    """Whether an annotation's value is an instant to the policy."""
    return re.fullmatch(INSTANT.removesuffix("$"), text, re.ASCII) is not None


def _concerns(formulas: Sequence[Formula]) -> list[Concern]:
    found: dict[Concern, None] = {}
    for formula in formulas:
        found.update(dict.fromkeys((*formula.manual, *formula.lock, *formula.open)))
    return [concern for concern in found if concern != ANY]


def _concerned(concern: Concern) -> str:
    terms = []
    if concern.namespaces is not None:
        terms.append(matches("request.namespace", concern.namespaces))
    if concern.services is not None:
        fits = matches("variables.name", concern.services)
        if concern.exempting:
            terms += ["variables.name != ''", fits]
        else:
            terms.append(either(("variables.name == ''", fits)))
    if concern.actions:
        terms.append(f"variables.denied.exists(a, a in {literals(concern.actions)})")
    return both(terms)


def _formula(formula: Formula, names: dict[Concern, str]) -> str:
    manual, lock, opened = (
        [names.get(concern, "true") for concern in concerns]
        for concerns in (formula.manual, formula.lock, formula.open)
    )
    windows = both((either(lock), negated(either(opened)) if opened else "true"))
    return either((*manual, windows if windows == FALSE else grouped(windows)))


def _formulas(expressions: Sequence[str]) -> Iterator[Variable]:
    """``formulas``: for each number whether the change is locked under it."""
    pieces: list[list[str]] = [[]]
    for expression in expressions:
        if sum(map(len, pieces[-1])) + len(expression) > _CHARACTERS_A_LIST and pieces[-1]:
            pieces.append([])
        pieces[-1].append(expression)
    if len(pieces) == 1:
        yield "formulas", f"[{', '.join(pieces[0])}]"
        return
    for number, piece in enumerate(pieces):
        yield f"formulas{number}", f"[{', '.join(piece)}]"
    yield "formulas", " + ".join(f"variables.formulas{number}" for number in range(len(pieces)))


def _calendar(found: Segments) -> Iterator[Variable]:
    """``calendar``: the entries around the clock.

    A list that is cut within a lock ends with the first entry of the next one, marked by a plus. It
    is never past for as long as this list is in use, and lets a message say how long a lock lasts
    at least.
    """
    pieces: list[list[str]] = [[]]
    for start, number in zip(found.starts, found.numbers, strict=True):
        entry = f"{instant_text(start)}={number}"
        if len(pieces[-1]) >= _MOST_ENTRIES_A_LIST:
            pieces[-1].append(f"{instant_text(start)}+{number}")
            pieces.append([])
        pieces[-1].append(entry)
        if number == 0 and len(pieces[-1]) >= _ENTRIES_A_LIST:
            pieces.append([])
    if len(pieces) > 1 and not pieces[-1]:
        pieces.pop()
    lists = [f"[{','.join(map(literal, piece))}]" for piece in pieces]
    if len(lists) == 1:
        yield "calendar", lists[0]
        return
    for number, text in enumerate(lists):
        yield f"calendar{number}", text
    yield "calendar", _tree([piece[0][:_TIME_LENGTH] for piece in pieces], 0)


def _tree(firsts: Sequence[str], offset: int) -> str:
    if len(firsts) == 1:
        return f"variables.calendar{offset}"
    half = len(firsts) // 2
    earlier, later = _tree(firsts[:half], offset), _tree(firsts[half:], offset + half)
    return f"(variables.clock < {literal(firsts[half])} ? {earlier} : {later})"


def _looked_up(entry: str) -> str:
    return f"variables.formulas[int({entry}.substring(20))]"


def _time(entry: str) -> str:
    return f"{entry}.substring(0, 19) + 'Z'"


def _last() -> str:
    return "variables.calendar[size(variables.calendar) - 1]"
