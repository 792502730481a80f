"""A tree against a pydantic model: the model, or every problem of the document at once."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gate.core.document.fields import HOUSE, Section
from gate.core.document.messages import Advisor, describe
from gate.core.document.nodes import Key
from gate.core.document.schema_windows import TAG, Effort
from gate.core.document.tree import REFUSED, Defect, Path, Plain, Tree
from gate.core.problems import InputError, Problem

MAX_PROBLEMS = 100
# What a model may still say of a place where the tree was refused: all else follows from that.
_BESIDE_A_DEFECT = frozenset({HOUSE, "extra_forbidden"})

M = TypeVar("M", bound=Section)
Check = Callable[[dict[Key, Plain]], Iterable[tuple[Path, str, str | None]]]


def validate(
    tree: Tree,
    model: type[M],
    file: str,
    *,
    fill: Callable[[dict[Key, Plain]], dict[Key, Plain]] = dict,
    checks: Iterable[Check] = (),
) -> M:
    """Judge the whole document; `InputError` has its problems in the order of their lines.

    ``fill`` puts defaults in; ``checks`` look at plain data that may hold anything, and so also
    speak where other parts are wrong.
    """
    problems = [_of_defect(tree, defect, file) for defect in tree.defects]
    parsed: M | None = None
    if isinstance(tree.data, dict):
        filled = fill(tree.data)
        try:
            parsed = model.model_validate(filled, context=Effort())
        except ValidationError as error:
            problems += _of_errors(tree, error, model, file)
        for check in checks:
            for path, message, mend in check(filled):
                problems.append(_problem(tree, path, message, mend, file))
    elif tree.data is not REFUSED:
        message = f"must be a mapping, not {describe(tree.data)}"
        problems.append(_problem(tree, (), message, None, file))
    if problems or parsed is None:
        raise InputError(_bounded(problems, file))
    return parsed


def _of_errors(
    tree: Tree, error: ValidationError, model: type[Section], file: str
) -> list[Problem]:
    refused = {defect.path for defect in tree.defects}
    advisor = Advisor(model)
    problems = []
    for details in error.errors(include_url=False):
        path = _path(details)
        if path in refused and details["type"] not in _BESIDE_A_DEFECT:
            continue
        message, mend = advisor.explain(details, path)
        problems.append(_problem(tree, path, message, mend, file))
    return problems


def _path(details: ErrorDetails) -> Path:
    """The place in the document: without the tags of unions and pydantic's mark of a key."""
    loc = details["loc"]
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith(TAG)))


def _of_defect(tree: Tree, defect: Defect, file: str) -> Problem:
    field, _ = tree.where(defect.path)
    return Problem(
        message=defect.fault.message,
        file=file,
        line=defect.line,
        field=field,
        mend=defect.fault.mend,
    )


def _problem(tree: Tree, path: Path, message: str, mend: str | None, file: str) -> Problem:
    field, line = tree.where(path)
    return Problem(message=message, file=file, line=line, field=field, mend=mend)


def _bounded(problems: list[Problem], file: str) -> list[Problem]:
    problems.sort(key=lambda problem: problem.line or 0)
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return problems
    return [*problems[:MAX_PROBLEMS], Problem(message=f"and {more} more problems", file=file)]
