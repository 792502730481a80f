"""What every target has in common: it is started, checked, driven and stopped."""

import http.client
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from benchmarks.webhook.asking import Client
from benchmarks.webhook.freeze import FROZEN, OPEN, direct
from benchmarks.webhook.review import UID, review
from benchmarks.webhook.site import MissingTargetError, Site
from tests.controlplane.processes import POLL_SECONDS, Process

RIGHT_SECONDS = 120.0
"""How long a target may take from its start to its first right answers."""


class Target(ABC):
    """One webhook under load."""

    name: str
    """As in the tables."""
    registers_itself = False
    """Whether it writes its own webhook configuration, for namespaces with its label."""
    through_api_server = True
    """Whether PATCHes are measured under it."""
    process: Process
    answer_bytes = 0.0
    """Mean length of its answers, heads included, as the driver last saw them to be right."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def slug(self) -> str:
        """Its name where spaces cannot be."""
        return self.name.lower().replace(",", "").replace(" ", "-")

    @property
    def folder(self) -> Path:
        """Its own files."""
        made = self.site.folder / self.slug
        made.mkdir(exist_ok=True)
        return made

    def process_of(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> Process:
        """A process that the site's guard knows of; its log is in the site's folder."""
        return Process(self.slug, command, self.site.folder, environment or {})

    @abstractmethod
    def prepare(self) -> Process:
        """Write its files, and say how it is started. Raises `MissingTargetError`."""

    @abstractmethod
    def url(self, prefix: str) -> str:
        """Where reviews of namespaces with that beginning (`FROZEN`, `OPEN`) are posted."""

    def start(self) -> None:
        """Start it, and wait until it decides rightly. Raises `MissingTargetError`."""
        self.process = self.prepare()
        self.process.start()
        self.wait_right()

    def wait_right(self) -> None:
        """Wait until it decides rightly. Raises `MissingTargetError` where it does not in time."""
        deadline = time.monotonic() + RIGHT_SECONDS
        while (wrong := self.wrong()) is not None:
            if not self.process.runs() or time.monotonic() > deadline:
                raise MissingTargetError(f"{wrong}\n{self.process.tail()}")
            time.sleep(POLL_SECONDS)

    def wrong(self) -> str | None:
        """What is wrong with its verdicts on a frozen and on an open change, None if nothing is."""
        for prefix, right in ((FROZEN, False), (OPEN, True)):
            client = Client(self.url(prefix), self.site.authority)
            try:
                given = client.ask(review(direct(prefix))).allowed(UID)
            except (OSError, http.client.HTTPException) as error:
                return f"does not answer: {error!r}"
            except ValueError as error:
                return f"answers strangely: {error}"
            finally:
                client.close()
            if given is not right:
                return f"says allowed: {given} of a change that is {prefix}"
        return None

    def check(self) -> None:
        """Raise `RuntimeError` where it does not decide rightly (any more)."""
        if (wrong := self.wrong()) is not None:
            raise RuntimeError(f"{self.name} {wrong}\n{self.process.tail()}")

    def stop(self) -> None:
        """End it if it was started, and wait until it has ended."""
        if hasattr(self, "process"):
            self.process.terminate()
