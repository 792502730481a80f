"""YAML 1.2 through libyaml's event stream: syntax is libyaml's, meaning is ours.

PyYAML's own loaders read YAML 1.1 (``NO`` is false, dates are dates, ``1_000`` is a number) and
drop the lines; docs/decisions/0002-reading-policy-documents.md has the whole argument.
"""

import re

import yaml

from gate.core.document.nodes import Builder, Child, Mapping, Scalar, Sequence, UnreadableError
from gate.core.document.scalars import Fault, check_text, resolve_plain
from gate.core.document.text import line_at

# libyaml still breaks lines at these, as YAML 1.1 did: what an editor shows as the rest of a
# comment would become a key.
_OLD_LINE_BREAK = re.compile("[\u2028\u2029]")
# Handles serve tags only, which are refused; libyaml's check of them is quadratic.
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)
_TAGGED = Fault("has an explicit tag", "leave the tag out")


def read_yaml(text: str) -> Child:
    """The root of the one document in the text; `UnreadableError` where there is none."""
    if found := _OLD_LINE_BREAK.search(text):
        raise UnreadableError(
            f"holds the line separator U+{ord(found[0]):04X}",
            line_at(text, found.start()),
            f'write it as "\\u{ord(found[0]):04x}" in double quotes',
        )
    if found := _TAG_DIRECTIVE.search(text):
        raise UnreadableError(
            "has a %TAG directive", line_at(text, found.start()), "tags are not accepted"
        )
    builder = Builder()
    try:
        _feed(builder, yaml.CBaseLoader(text))
    except yaml.YAMLError as error:
        raise _unreadable(error, text) from None
    if builder.root is None:
        raise UnreadableError("is empty", 1)
    return builder.root


def _feed(builder: Builder, parser: yaml.CBaseLoader) -> None:
    while (event := parser.get_event()) is not None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            builder.scalar(_scalar(event), line, event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            builder.begin(Mapping(fault=_tag_fault(event)), line, event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            builder.begin(Sequence(fault=_tag_fault(event)), line, event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            builder.end()
        elif isinstance(event, yaml.AliasEvent) and event.anchor is not None:
            builder.alias(event.anchor, line)
        elif isinstance(event, yaml.DocumentStartEvent) and builder.root is not None:
            raise UnreadableError("holds a second document", line, "keep one document in the file")


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    if event.tag is not None:
        return Scalar(_TAGGED)
    plain = not event.style
    return Scalar(resolve_plain(event.value) if plain else check_text(event.value), plain)


def _tag_fault(event: yaml.CollectionStartEvent) -> Fault | None:
    return None if event.tag is None else _TAGGED


def _unreadable(error: yaml.YAMLError, text: str) -> UnreadableError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    what = ", ".join(part for part in parts if part) or str(error).splitlines()[0]
    # libyaml puts the end of a text without a final line break on the line after it.
    line = min(mark.line + 1, line_at(text, len(text))) if mark else 1
    return UnreadableError(f"is not valid YAML: {what}", line)
