"""The database's active policy as a file."""

from pathlib import Path

import psycopg

from gate.ledger.acts.current import policy_document
from gate.service.keeper.files import remove_others, write_whole


class PolicyFiles:
    """Tells where the policy lies: ``path`` is None while there is none, ``trouble`` why not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before: str | None = None
        self.path: str | None = None
        self.trouble: str | None = None

    def restore(self, path: str | None) -> None:
        """Begin with a file that is there already."""
        self.path = path

    def take(self, connection: psycopg.Connection, sha256: str) -> None:
        """Have this policy as the file; where it cannot be written, the one before holds.

        Raises psycopg's errors.
        """
        path = self._folder / f"policy-{sha256}.yaml"
        self.trouble = None
        try:
            if not path.is_file():
                document = policy_document(connection, sha256)
                if document is None:
                    return
                write_whole(path, [document])
        except OSError as error:
            self.trouble = f"the policy cannot be written to {path}: {error.strerror}"
            return
        if self.path != str(path):
            self._before, self.path = self.path, str(path)
        # A worker may be about to open the one before.
        remove_others(self._folder, "policy-*.yaml", [self._before, self.path])
