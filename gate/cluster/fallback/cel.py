"""Small pieces of CEL, the language of the policy's expressions, as text."""

from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

TRUE = "true"
FALSE = "false"


def literal(text: str) -> str:
    """Text as a CEL string: in single quotes, which JSON and YAML need not escape again."""
    return f"'{''.join(map(_escaped, text))}'"


def literals(texts: Iterable[str]) -> str:
    """A CEL list of strings."""
    return f"[{', '.join(map(literal, texts))}]"


def either(terms: Iterable[str]) -> str:
    """``a || b || …``; false where there is none."""
    kept = [term for term in terms if term != FALSE]
    if TRUE in kept:
        return TRUE
    return " || ".join(kept) or FALSE


def both(terms: Iterable[str]) -> str:
    """``a && b && …``, each in parentheses where it needs them; true where there is none."""
    kept = [term for term in terms if term != TRUE]
    if FALSE in kept:
        return FALSE
    if len(kept) > 1:
        kept = [grouped(term) for term in kept]
    return " && ".join(kept) or TRUE


def grouped(term: str) -> str:
    """A term in parentheses where an operator outside could take it apart."""
    return f"({term})" if "||" in term or "?" in term else term


def negated(term: str) -> str:
    """``!(term)``."""
    return f"!({term})"


def _escaped(character: str) -> str:
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    return character if character.isprintable() else f"\\U{ord(character):08x}"
