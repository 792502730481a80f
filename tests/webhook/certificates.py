"""The authority of a folder's servers, and certificates of it for loopback."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.controlplane import certificates
from tests.controlplane.certificates import YEAR, Pair

__all__ = ["Authority", "Pair"]


class Authority:
    """Signs certificates for 127.0.0.1 and localhost; ``ca`` is its own certificate's file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pair = certificates.authority(folder, now=datetime.now(UTC))
        self.ca = self._pair.certificate

    def issue(self, name: str, *, lasts: timedelta = YEAR) -> Pair:
        """A server's fresh pair in files called ``name``; of a negative ``lasts``: expired."""
        return certificates.serving(
            self._pair, self._folder / name, now=datetime.now(UTC), lifetime=lasts
        )

    def issue_client(self, name: str) -> Pair:
        """The same for a client."""
        return certificates.client(self._pair, self._folder / name, name, now=datetime.now(UTC))
