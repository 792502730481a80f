"""Documents as YAML or JSON, and the names of their files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from gate.cluster.fallback.documents import BINDING_KIND, EXPIRY_NAME, Document

_LONG = 80


class _Dumper(yaml.SafeDumper):
    """Long expressions as blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Repeat what is repeated."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style: str | None = '"'
    if value.isprintable():
        style = ">" if len(value) > _LONG and value == value.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(documents: Iterable[Document]) -> str:
    """YAML, documents separated."""
    text: str = yaml.dump_all(
        list(documents),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        explicit_start=True,
    )
    return text


def file_name(document: Mapping[str, Any]) -> str:
    """The name of a document's file; in order of name, policies come before their bindings."""
    name = document["metadata"]["name"]
    number = 1 + 2 * (name == EXPIRY_NAME) + (document["kind"] == BINDING_KIND)
    kind = "binding" if document["kind"] == BINDING_KIND else "policy"
    return f"{number}-{name}-{kind}.yaml"


def write_files(documents: Iterable[Document], folder: Path) -> list[Path]:
    """One document a file; OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for document in documents:
        path = folder / file_name(document)
        path.write_text(to_yaml([document]), encoding="utf-8")
        paths.append(path)
    return paths
