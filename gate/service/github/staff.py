"""What a server needs for GitHub, by its environment: who takes deliveries, who acts on them."""

from collections.abc import Mapping, Sequence
from functools import partial

from gate.github.client import Connection, api_url, credentials
from gate.github.webhook.signature import secrets
from gate.service.github.changed import PassingOn
from gate.service.github.deliveries import Receiver
from gate.service.github.protecting import Judge, Protecting
from gate.service.github.recovering import Recovering
from gate.service.github.watches import Watches, delivered_of
from gate.service.logs import log
from gate.store.connect import Target

_CREDENTIALS = ("GITHUB_TOKEN", "GATE_GITHUB_APP_ID", "GATE_GITHUB_APP_KEY")
GitHubWorker = Protecting | PassingOn | Watches | Recovering


def receiver(where: Target, environ: Mapping[str, str]) -> Receiver | None:
    """Who takes deliveries; None without ``GATE_GITHUB_WEBHOOK_SECRET``. Raises `InputError`."""
    known = secrets(environ)
    return None if known is None else Receiver(where, known)


def connection(environ: Mapping[str, str]) -> Connection | None:
    """GitHub, None where no credentials are set. Raises `InputError` for some that are wrong."""
    if not any(environ.get(name, "").strip() for name in _CREDENTIALS):
        if secrets(environ) is not None:
            log("github-unanswered", why="there are no credentials: deliveries are kept only")
        return None
    return Connection(credentials(environ), api_url(environ))


def workers(where: Target, reached: Connection, judge: Judge) -> Sequence[GitHubWorker]:
    """Who acts on what was delivered; `judge` is asked, and records, from their threads."""
    watches = Watches(reached, judge, known=partial(delivered_of, where))
    staff: list[GitHubWorker] = [
        Protecting(where, reached, judge),
        PassingOn(where, watches.resync),
        watches,
    ]
    if reached.is_app:
        staff.append(Recovering(reached))
    return staff
