"""GitHub's names: what a repository's looks like, and whether an account's may be a person's."""

import re

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
"""OWNER/NAME; to be matched in full."""


def is_person(login: str | None, kind: object) -> bool:
    """Whether an account may be a person's: an App's login ends in ``[bot]``.

    ``kind`` is GitHub's type of the account, None where it is not known.
    """
    return kind in {None, "User"} and not (login or "").lower().endswith("[bot]")
