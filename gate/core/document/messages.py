"""What pydantic found, said to the author of the document: what is wrong and how to mend it."""

from collections.abc import Iterable
from difflib import get_close_matches
from fractions import Fraction
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from gate.core.document.fields import HOUSE, NOT_A, ZONE, Section
from gate.core.document.nodes import shortened
from gate.core.document.schema_windows import (
    TAG,
    InstantsSection,
    LocalSection,
    RecurringSection,
)
from gate.core.document.tree import Path
from gate.core.zones import zone_keys

Explanation = tuple[str, str | None]

# A suggestion costs a comparison with every known name, and long texts are no typing errors.
_MAX_SUGGESTIONS = 20
_MAX_SUGGESTED_LENGTH = 60

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_FIXED = {
    "greater_than_equal": ("must be {ge} or more", None),
    "less_than_equal": ("must be {le} or less", None),
    "too_short": ("is empty", "give it at least one entry, or leave it out"),
    "string_too_short": ("is empty", "write some text, or leave it out"),
}
_BESIDE_RRULE = "stands only beside `rrule`, in a recurring window"
_NOT_BESIDE_RRULE = "does not stand beside `rrule`: a window has one or the other"
_IN_OTHER_FORMS = {
    **dict.fromkeys(("since", "except", "from", "to", "days"), _BESIDE_RRULE),
    **dict.fromkeys(("start", "end"), _NOT_BESIDE_RRULE),
    "zones": "stands only with local times: instants are the same everywhere",
}
_WINDOWS = (RecurringSection, LocalSection, InstantsSection)


def describe(value: object) -> str:
    """The kind of a value in the author's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = {str: "text", int: "a whole number", Fraction: "a number with a point or an exponent"}
    kinds |= {list: "a list", dict: "a mapping"}
    return kinds.get(type(value), "this")


class Advisor:
    """Explains the errors of one document; suggestions are bounded over all of them."""

    def __init__(self, model: type[Section]) -> None:
        self._model = model
        self._suggestions_left = _MAX_SUGGESTIONS

    def explain(self, details: ErrorDetails, path: Path) -> Explanation:
        """The message and the mend of one error."""
        kind, context = details["type"], details.get("ctx", {})
        if kind == HOUSE:
            return shortened(context["message"], 300), context["mend"]
        if kind == NOT_A or kind in _WANTED:
            wanted = context.get("expected") or _WANTED[kind]
            return _wrong_type(wanted, details["input"], details["loc"])
        if kind in _FIXED:
            message, mend = _FIXED[kind]
            return message.format(**context), mend
        return self._about_names(details, path)

    def _about_names(self, details: ErrorDetails, path: Path) -> Explanation:
        kind, value, context = details["type"], details["input"], details.get("ctx", {})
        if kind == ZONE:
            return self._unknown_zone(str(value), context["names"])
        if kind in {"extra_forbidden", "invalid_key"}:
            return self._unknown_key(details["loc"])
        if kind == "missing":
            return _missing(path)
        if kind == "literal_error":
            return self._not_one_of(value, context["expected"])
        return details["msg"], None

    def _unknown_zone(self, value: str, names: str) -> Explanation:
        known = [*names.split(", "), *zone_keys()] if names else zone_keys()
        near = self._nearest(value, known)
        also = f", and is none of {names}" if names else ""
        if value == "venues":
            also = "; `venues` is only for recurring windows"
        message = f"{shortened(value)!r} is not a known IANA zone{also}"
        return message, near or "write a key such as Europe/London"

    def _unknown_key(self, loc: tuple[int | str, ...]) -> Explanation:
        model = _model_at(self._model, loc[:-1])
        key = str(loc[-1])
        if model in _WINDOWS and key in _IN_OTHER_FORMS:
            return _IN_OTHER_FORMS[key], "remove it"
        known = _keys(model)
        listed = "known here are " + ", ".join(f"`{name}`" for name in known)
        return "is an unknown key", self._nearest(key, known) or listed

    def _not_one_of(self, value: object, expected: str) -> Explanation:
        words = expected.replace("'", "`")
        if not isinstance(value, str):
            return f"must be {words}, not {describe(value)}", None
        choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
        return f"must be {words}, not {shortened(value)!r}", self._nearest(value, choices)

    def _nearest(self, value: str, known: Iterable[str]) -> str | None:
        if len(value) > _MAX_SUGGESTED_LENGTH or self._suggestions_left == 0:
            return None
        self._suggestions_left -= 1
        exact = {name.casefold(): name for name in known}
        word = value.casefold()
        # `denied` is meant as `deny`, though more of its letters are in `undecided`.
        alike = [name for name in exact if name[:3] == word[:3]]
        near = get_close_matches(word, alike, n=1) or get_close_matches(word, exact, n=1)
        return f"did you mean `{exact[near[0]]}`?" if near else None


def _wrong_type(wanted: str, value: object, loc: tuple[int | str, ...]) -> Explanation:
    if loc[-1] == "[key]":
        return f"is {describe(value)} as a key", "put the key in quotes"
    message = f"must be {wanted}, not {describe(value)}"
    if wanted == "text" and isinstance(value, bool | int | Fraction):
        return message, "put it in quotes"
    if wanted == "a whole number" and isinstance(value, Fraction):
        return message, "write it without a point and without an exponent"
    if isinstance(value, str) and wanted in {"a number", "a whole number", "true or false"}:
        return message, "write it without quotes"
    if wanted == "a list":
        return message, "write it as [a, b]"
    return message, None


def _missing(path: Path) -> Explanation:
    if len(path) == 3 and path[0] == "windows" and path[2] == "rrule":
        return "is missing", "a window has `rrule`, or `start` and `end`"
    return "is missing", "add it"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The section at a location, found through the annotations of the fields on the way."""
    annotation: Any = model
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            annotation = _given(fields[str(part)].annotation)
        elif isinstance(part, str) and part.startswith(TAG):
            annotation = _tagged(annotation, part)
        else:
            annotation = get_args(annotation)[-1]
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _given(annotation: Any) -> Any:
    """What a section that may be left out is where it is given."""
    members = [each for each in get_args(annotation) if each is not NoneType]
    return members[0] if NoneType in get_args(annotation) and len(members) == 1 else annotation


def _tagged(annotation: Any, tag: str) -> Any:
    """The member of a union that carries this tag."""
    arguments = get_args(annotation)
    if any(isinstance(argument, Tag) and argument.tag == tag for argument in arguments):
        return arguments[0]
    inner = (_tagged(argument, tag) for argument in arguments)
    return next((found for found in inner if found is not None), None)
