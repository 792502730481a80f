"""Pod templates: whether one is another, and the digest by which an earlier one is known again."""

import hashlib
from typing import Any

from gate.cluster.raw_json import canonical, same

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of a pod template that `kubectl rollout restart` sets."""

# What controllers add to a template to tell its pods from those of others.
_HASH_LABELS = frozenset({"pod-template-hash", "controller-revision-hash"})
_DIGEST_LENGTH = 32  # of 64 hexadecimal digits

Template = dict[str, Any]


def digest_of(template: Template) -> str:
    """The digest of a template, whatever its controllers' hash labels say.

    What an API object leaves out and what it has as null are one; so are labels, annotations and
    metadata left out and empty ones. The template must be as `raw_json.value_of` reads it.
    """
    bare = {name: value for name, value in template.items() if name != "$patch"}
    metadata = bare.pop("metadata", None)
    _put(bare, "metadata", _bare_metadata(metadata) if isinstance(metadata, dict) else metadata)
    text = canonical(bare)
    if b"null" in text:
        text = canonical(_without_nulls(bare))
    return hashlib.sha256(text).hexdigest()[:_DIGEST_LENGTH]


def only_restarted(new: Template, old: Template) -> bool:
    """Whether two templates differ in the annotation of a restart and in nothing else."""
    stamps = _restarted_at(new), _restarted_at(old)
    if stamps[0] == stamps[1] or not all(isinstance(each, str | None) for each in stamps):
        return False
    return same(_without_restart(new), _without_restart(old))


def _bare_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in metadata.items() if value is not None and value != {}}
    labels = bare.get("labels")
    if isinstance(labels, dict) and not _HASH_LABELS.isdisjoint(labels):
        del bare["labels"]
        _put(bare, "labels", {k: v for k, v in labels.items() if k not in _HASH_LABELS})
    return bare


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(item) for k, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _restarted_at(template: Template) -> Any:
    metadata = template.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations.get(RESTARTED_AT) if isinstance(annotations, dict) else None


def _without_restart(template: Template) -> Template:
    """The template without the annotation, and without what is empty then."""
    bare = dict(template)
    metadata = bare.pop("metadata", None)
    if isinstance(metadata, dict):
        metadata = dict(metadata)
        annotations = metadata.pop("annotations", None)
        if isinstance(annotations, dict):
            annotations = {k: v for k, v in annotations.items() if k != RESTARTED_AT}
        _put(metadata, "annotations", annotations)
    _put(bare, "metadata", metadata)
    return bare


def _put(into: dict[str, Any], name: str, value: Any) -> None:
    """Put a value there, unless it is nothing or an empty object."""
    if value is not None and value != {}:
        into[name] = value
