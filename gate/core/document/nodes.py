"""A document as a tree of nodes that know their lines; both syntaxes are built through `Builder`.

Aliases are never expanded here: a node that stands under several anchors is one object, and the
limits on nodes and levels count what its expansion would have.
"""

from typing import NamedTuple

import msgspec

from gate.core.document.scalars import Fault, Value

MAX_NODES = 100_000
MAX_LEVELS = 50

Key = str | int


class UnreadableError(Exception):
    """The document cannot be read past this line (and place, where there is one)."""

    def __init__(
        self, message: str, line: int, mend: str | None = None, path: tuple[Key, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message, self.line, self.mend, self.path = message, line, mend, path


class Scalar(msgspec.Struct, frozen=True):
    """A leaf. ``plain`` tells YAML's unquoted scalars, which alone can be merge keys."""

    value: Value
    plain: bool = False


class Child(NamedTuple):
    """A node in its place, with the line on which a reader finds it."""

    line: int
    node: "Node"


class BadKey(msgspec.Struct, frozen=True):
    """A key that cannot stand; ``key`` is None where it has no text."""

    line: int
    key: Key | None
    fault: Fault


class Sequence(msgspec.Struct):
    """A list. ``size`` and ``height`` count the expansion; ``fault`` is about the node itself."""

    items: list[Child] = []
    fault: Fault | None = None
    size: int = 0
    height: int = 0


class Mapping(msgspec.Struct):
    """A mapping in the order written; of keys that stand twice the first one counts."""

    entries: dict[Key, Child] = {}
    bad_keys: list[BadKey] = []
    fault: Fault | None = None
    size: int = 0
    height: int = 0


Node = Scalar | Sequence | Mapping


class _Frame:
    """A collection that is still open."""

    def __init__(self, node: Sequence | Mapping, line: int, anchor: str | None, before: int):
        self.node, self.line, self.anchor, self.before = node, line, anchor, before
        self.key: Child | None = None
        self.seen: set[str] = set()
        self.height = 0


class Builder:
    """Takes the events of either syntax in order and keeps to the limits."""

    def __init__(self) -> None:
        self.root: Child | None = None
        self._open: list[_Frame] = []
        self._anchors: dict[str, Node | None] = {}
        self._count = 0

    def scalar(self, node: Scalar, line: int, anchor: str | None = None) -> None:
        """Add a leaf."""
        self._counted(1, line)
        if anchor is not None:
            self._anchors[anchor] = node
        self._place(node, line, line)

    def begin(self, node: Sequence | Mapping, line: int, anchor: str | None = None) -> None:
        """Open a collection; what follows is inside, until `end`."""
        self._counted(1, line)
        self._deepened(1, line)
        if anchor is not None:
            self._anchors[anchor] = None
        self._open.append(_Frame(node, line, anchor, self._count))

    def end(self) -> None:
        """Close the innermost collection."""
        frame = self._open.pop()
        node = frame.node
        node.size = self._count - frame.before + 1
        node.height = frame.height + 1
        if frame.anchor is not None:
            self._anchors[frame.anchor] = node
        key = self._open[-1].key if self._open else None
        self._place(node, key.line if key else frame.line, frame.line)

    def alias(self, name: str, line: int) -> None:
        """Put the anchored node here, too."""
        node = self._anchors.get(name)
        if node is None:
            what = "stands inside what it refers to" if name in self._anchors else "has no anchor"
            self.scalar(Scalar(Fault(f"the alias *{shortened(name)} {what}")), line)
            return
        if isinstance(node, Scalar):
            self._counted(1, line)
        else:
            self._counted(node.size, line)
            self._deepened(node.height, line)
        self._place(node, line, line)

    def _counted(self, more: int, line: int) -> None:
        self._count += more
        if self._count > MAX_NODES:
            message = f"has more than {MAX_NODES} nodes, with aliases expanded"
            raise UnreadableError(message, line, path=self._path())

    def _deepened(self, more: int, line: int) -> None:
        if len(self._open) + more > MAX_LEVELS:
            message = f"is nested more than {MAX_LEVELS} levels deep"
            raise UnreadableError(message, line, path=self._path())

    def _path(self) -> tuple[Key, ...]:
        """Where the next node would stand."""
        path: list[Key] = []
        for frame in self._open:
            if isinstance(frame.node, Sequence):
                path.append(len(frame.node.items))
            elif frame.key is not None and isinstance(frame.key.node, Scalar):
                path.append(str(frame.key.node.value))
        return tuple(path)

    def _place(self, node: Node, line: int, own_line: int) -> None:
        if not self._open:
            self.root = Child(line, node)
            return
        frame = self._open[-1]
        if not isinstance(node, Scalar):
            frame.height = max(frame.height, node.height)
        if isinstance(frame.node, Sequence):
            frame.node.items.append(Child(line, node))
        elif frame.key is None:
            frame.key = Child(own_line, node)
        else:
            _enter(frame.node, frame.seen, frame.key, Child(line, node))
            frame.key = None


def _enter(mapping: Mapping, seen: set[str], key: Child, child: Child) -> None:
    name, fault = _key(key.node)
    if fault is None and name is not None:
        # 8 and "8" name the same hour, so they are the same key everywhere.
        if str(name) not in seen:
            seen.add(str(name))
            mapping.entries[name] = child
            return
        fault = Fault("stands twice", "keep one of the two")
    assert fault is not None
    mapping.bad_keys.append(BadKey(key.line, name, fault))


def _key(node: Node) -> tuple[Key | None, Fault | None]:
    if not isinstance(node, Scalar):
        return None, Fault("has a list or a mapping for a key", "a key is text")
    value = node.value
    if isinstance(value, Fault):
        return None, Fault(f"has a key that {value.message}", value.mend)
    if value == "<<" and node.plain:
        return "<<", Fault("is a merge key, which YAML 1.2 does not have", "write the keys out")
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value, None
    return str(value), Fault("is not text as a key", "put the key in quotes")


def shortened(text: str, limit: int = 60) -> str:
    """The text, cut to ``limit`` characters, for messages."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
