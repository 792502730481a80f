"""What the Action asks of GitHub and writes there, with the token that it was given, if any.

None of it may change an answer to the better by failing: who cannot be asked is no person, and a
comment that cannot be written is told in the log.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gate.core.decision import Request
from gate.core.policy import Invoker
from gate.core.printable import plain
from gate.core.problems import InputError
from gate.github.action.event import Run

if TYPE_CHECKING:
    from github.Requester import Requester

_CAUSE_LENGTH = 300


class Workflow:
    """The run on GitHub; ``warn`` takes a title and a sentence."""

    def __init__(
        self,
        environ: Mapping[str, str],
        run: Run,
        token: str | None,
        warn: Callable[[str, str], None],
    ) -> None:
        self._environ = environ
        self._run = run
        self._token = token
        self._warn = warn
        self._requester: Requester | None = None

    def invoker(self, environment: str | None) -> Invoker:
        """Who starts the change; a person also where one approved it for this environment."""
        run = self._run
        if run.invoker == "human" or not self._token or not run.repository or not run.run_id:
            return run.invoker

        def ask(requester: "Requester") -> bool:
            from gate.github.action.people import approved_by_person  # noqa: PLC0415

            return approved_by_person(requester, run, environment)

        asked = self._tried("approvals unknown", "so this counts as automation", ask)
        return "human" if asked else "automation"

    @property
    def may_comment(self) -> bool:
        """Whether there is a pull request of this repository, and a token to write there with."""
        return self._token is not None and self._run.pull_request is not None

    @property
    def address(self) -> str | None:
        """Where the run can be looked at."""
        server = self._environ.get("GITHUB_SERVER_URL", "https://github.com")
        run = self._run
        if not run.repository or not run.run_id or not server.startswith(("https://", "http://")):
            return None
        address = f"{server.rstrip('/')}/{run.repository}/actions/runs/{run.run_id}"
        return address if not set(address) & set("()<>[] `\\") else None

    def comment(self, text: str, request: Request) -> None:
        """Write or renew the pull request's one comment of this job and target."""

        def write(requester: "Requester") -> bool:
            from gate.github.action.people import put_comment  # noqa: PLC0415

            put_comment(requester, self._run, self._marker(request), text)
            return True

        self._tried("no comment", "the decision stands as it is", write)

    def _marker(self, request: Request) -> str:
        """Digested: names of workflows and environments could end an HTML comment."""
        job = (self._environ.get(name, "") for name in ("GITHUB_WORKFLOW", "GITHUB_JOB"))
        target = (request.action, request.environment, request.namespace, request.service)
        named = "\0".join((*job, *(part or "" for part in target)))
        digest = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()
        return f"<!-- saturday-gate {digest[:32]} -->"

    def _tried(self, title: str, so: str, what: Callable[["Requester"], bool]) -> bool:
        from github import GithubException  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        try:
            return what(self._connected())
        except (GithubException, RequestException, InputError, ValueError, TypeError) as error:
            cause = plain(str(error) or type(error).__name__)[:_CAUSE_LENGTH]
            self._warn(title, f"GitHub's API cannot be used ({cause}), {so}")
            return False

    def _connected(self) -> "Requester":
        from gate.github.client import Connection, Token, api_url  # noqa: PLC0415

        if self._requester is None:
            connection = Connection(Token(token=self._token or ""), api_url(self._environ))
            self._requester = connection.requester(self._run.repository or "")
        return self._requester
