"""Policy documents as bytes, and the load model that calendars are judged by."""

from pathlib import Path

from gate.core.document import MAX_POLICY_BYTES, read_policy
from gate.core.policy import LoadModel
from gate.core.problems import InputError

_DEFAULT_POLICY = b"version: 1\ntimezone: UTC\n"


def policy_bytes(path: str) -> bytes:
    """A document's bytes (one more than the limit at most); InputError where it is unreadable."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None


def load_model(policy_path: str | None) -> LoadModel:
    """The load model of a policy, or the default one; InputError where it is unreadable."""
    if policy_path is None:
        return read_policy(_DEFAULT_POLICY, "the built-in policy").load
    return read_policy(policy_bytes(policy_path), policy_path).load
