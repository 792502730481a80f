"""Shell-style globs as RE2 patterns and CEL tests, with the meaning that `fnmatch` gives them.

``*`` is any text, ``?`` any character, ``[seq]`` one of a set and ``[!seq]`` one outside it; a
bracket that is not closed stands for itself. Case matters. RE2 is what CEL's ``matches`` takes.
"""

from collections.abc import Iterable, Iterator, Sequence

from gate.cluster.fallback.cel import FALSE, TRUE, either, literal, literals

_SPECIAL = frozenset("*?[")
# Punctuation that means nothing outside a bracket and stays as it is, to be read easily.
_PLAIN = frozenset("-_:/@, '\"#%&=!;<>~`")
_NOTHING = r"[^\x00-\x{10ffff}]"


def matches(subject: str, globs: Iterable[str]) -> str:
    """A CEL test whether ``subject`` (an expression of type string) fits any of the globs."""
    unique = tuple(dict.fromkeys(globs))
    if any(glob.strip("*") == "" and glob for glob in unique):
        return TRUE
    exact = [glob for glob in unique if _SPECIAL.isdisjoint(glob)]
    patterns = [glob for glob in unique if not _SPECIAL.isdisjoint(glob)]
    terms = []
    if exact:
        one = f"{subject} == {literal(exact[0])}"
        terms.append(one if len(exact) == 1 else f"{subject} in {literals(exact)}")
    terms += [f"{subject}.matches({literal(anchored(glob))})" for glob in patterns]
    return either(terms) if terms else FALSE


def anchored(glob: str) -> str:
    """An RE2 pattern that a text contains exactly where the whole of it fits the glob."""
    return f"^(?s:{pattern(glob)})$"


def pattern(glob: str) -> str:
    """An RE2 pattern for the whole of a text that fits the glob, under the flag ``s``."""
    return "".join(_pieces(glob))


def _pieces(glob: str) -> Iterator[str]:
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            while at < len(glob) and glob[at] == "*":
                at += 1
            yield ".*"
        elif character == "?":
            yield "."
        elif character == "[" and (close := _closing(glob, at)):
            yield _bracket(glob[at:close])
            at = close + 1
        else:
            yield _outside(character)


def _closing(glob: str, at: int) -> int | None:
    """Where the bracket that was opened before ``at`` ends; its first character never closes it."""
    start = at + 1 if glob[at : at + 1] == "!" else at
    close = glob.find("]", start + 1)
    return None if close < 0 else close


def _bracket(inside: str) -> str:
    outside = inside.startswith("!")
    ranges = list(_ranges(inside[1:] if outside else inside))
    if not ranges:
        return "." if outside else _NOTHING
    listed = "".join(
        _inside(first) if first == last else f"{_inside(first)}-{_inside(last)}"
        for first, last in ranges
    )
    return f"[{'^' if outside else ''}{listed}]"


def _ranges(text: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The ranges of a set, a single character being one of itself; those upside down are none."""
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            first, last = text[at], text[at + 2]
            at += 3
        else:
            first = last = text[at]
            at += 1
        if first <= last:
            yield first, last


def _outside(character: str) -> str:
    return character if character in _PLAIN else _inside(character)


def _inside(character: str) -> str:
    if not character.isascii() or character.isalnum():
        return character
    if character.isprintable():
        return f"\\{character}"
    return f"\\x{ord(character):02x}"
