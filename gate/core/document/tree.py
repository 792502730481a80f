"""The one entrance from bytes to a tree, and the ways from a tree to plain data and to lines."""

from fractions import Fraction
from typing import NamedTuple

from gate.core.document.nodes import (
    Child,
    Key,
    Mapping,
    Node,
    Scalar,
    Sequence,
    UnreadableError,
    shortened,
)
from gate.core.document.scalars import Fault
from gate.core.document.text import decode
from gate.core.problems import InputError

Path = tuple[Key, ...]


class Refused:
    """Stands in plain data where the document has something that was refused already."""


REFUSED = Refused()
Plain = str | bool | int | Fraction | Refused | list["Plain"] | dict[Key, "Plain"]


class Defect(NamedTuple):
    """A fault with its place."""

    path: Path
    line: int
    fault: Fault


class Tree:
    """A document that could be parsed: its plain data, what was refused in it, and its lines."""

    def __init__(self, root: Child) -> None:
        self._root = root
        self.defects: list[Defect] = []
        self.data = self._plain(root, ())

    def where(self, path: Path) -> tuple[str | None, int]:
        """``path`` as text (None for the whole document), and its line.

        The line is that of the nearest node around it, where the document does not have it.
        """
        text, child, written = "", self._root, True
        for part in path:
            in_mapping = written and isinstance(child.node, Mapping)
            text = _joined(text, str(part) if in_mapping else part)
            inner = _step(child.node, part) if written else None
            written = inner is not None
            child = inner or child
        return text or None, child.line

    def _plain(self, child: Child, path: Path) -> Plain:
        node = child.node
        if isinstance(node, Scalar):
            if not isinstance(node.value, Fault):
                return node.value
            self.defects.append(Defect(path, child.line, node.value))
            return REFUSED
        if node.fault is not None:
            self.defects.append(Defect(path, child.line, node.fault))
        if isinstance(node, Sequence):
            return [self._plain(item, (*path, at)) for at, item in enumerate(node.items)]
        for bad in node.bad_keys:
            where = path if bad.key is None else (*path, bad.key)
            self.defects.append(Defect(where, bad.line, bad.fault))
        return {key: self._plain(item, (*path, key)) for key, item in node.entries.items()}


def read_tree(data: bytes, file: str) -> Tree:
    """Parse one document, JSON or YAML; `InputError` where that is not possible."""
    text = decode(data, file)
    try:
        return Tree(_parse(text))
    except UnreadableError as error:
        field, _ = place(None, error.path)
        raise InputError.of(
            error.message, file=file, line=error.line, field=field, mend=error.mend
        ) from None


def place(tree: Tree | None, path: Path) -> tuple[str | None, int | None]:
    """`Tree.where`, or only the text of the path where there is no tree."""
    if tree is not None:
        return tree.where(path)
    text = ""
    for part in path:
        text = _joined(text, part)
    return text or None, None


def _joined(text: str, part: Key) -> str:
    if isinstance(part, int):
        return f"{text}[{part}]"
    return f"{text}.{shortened(part)}" if text else shortened(part)


def _parse(text: str) -> Child:
    if text.lstrip()[:1] in {"{", "["}:
        # Imported here, as below, so that a document pays for its own syntax only.
        from gate.core.document.scanner import NotJsonError, read_json  # noqa: PLC0415

        try:
            return read_json(text)
        except NotJsonError:
            pass
    from gate.core.document.events import read_yaml  # noqa: PLC0415

    return read_yaml(text)


def _step(node: Node, part: Key) -> Child | None:
    if isinstance(node, Mapping):
        return node.entries.get(part)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None
