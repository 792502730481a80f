"""`gate webhook test`: what the webhook would answer, without a cluster."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from gate.cli import options
from gate.cli.exits import Exit
from gate.cli.opening import open_inputs
from gate.cli.output import complain, write
from gate.cli.webhook_cases import Case, Wanted, cases_of, read_file, read_files, standing_of
from gate.cluster.answers import passed
from gate.cluster.changes import Context, Why, classify
from gate.cluster.configuration import WEBHOOK_NAME
from gate.cluster.history import History
from gate.cluster.requests import requests_of, set_aside, strictest
from gate.cluster.reviewing import Asking
from gate.core.decision import Decision, Effect
from gate.core.policy import Action
from gate.core.printable import plain
from gate.inputs import Compiled
from gate.ledger.fresh_ids import Identifiers

_PERSON = "kubernetes-admin"
_NOT_SENT = "not-sent"
PASSED_WORDS: dict[str, str] = {
    _NOT_SENT: "the API server does not ask the webhook about this kind",
    Why.UNCHANGED: "nothing but metadata or status differs",
    Why.RUNTIME_STATE: "it holds the state of what runs, and no configuration",
    Why.ROTATED_SECRET: "automation renews a certificate or token",
    Why.EXEMPT: "the policy exempts this user",
    Why.NAMESPACE: "this namespace is never matched",
    Why.PROBE: "the fallback lock's worker asks whether somebody answers",
}
"""Why nothing was judged, for people."""
_EPILOG = """\b
Examples:
  gate webhook test deploy.yaml --policy policy.yaml --calendar weddings.csv
  gate webhook test deploy.yaml --policy policy.yaml --calendar weddings.csv \\
      --at 2026-06-13T12:00:00Z --user system:serviceaccount:ci:deployer --json
  kubectl get -f deploy.yaml -o yaml > live.yaml
  gate webhook test deploy.yaml --old live.yaml --policy policy.yaml --calendar weddings.csv
  kustomize build . | gate webhook test - --policy policy.yaml --calendar weddings.csv

\b
Exit codes: 0 all are allowed or only warned, 2 bad usage or input, 3 one is denied,
4 could not decide: the store is out of reach.
"""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a document, as `--json` prints it.

    ``why`` is ``judged``, ``not-understood`` (judged as a deploy), or why nothing was judged;
    ``decision`` is null then. ``response`` is that of the AdmissionReview, null where the API
    server would not ask.
    """

    file: str
    document: int
    line: int
    kind: str
    namespace: str
    name: str
    operation: str
    actions: tuple[Action, ...]
    why: str
    decision: Decision | None
    response: dict[str, Any] | None

    @property
    def blocked(self) -> bool:
        """Whether the API server would refuse."""
        return self.decision is not None and self.decision.effect is Effect.BLOCK


class Command(click.Command):
    """``--calendar`` and ``--group`` take one or more values, and may be repeated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give every further value its own option, then parse as usual."""
        return super().parse_args(ctx, list(options.spread(args, ("--calendar", "--group"))))


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("paths", metavar="FILE…", nargs=-1, type=click.Path(
    exists=True, dir_okay=False, readable=False, allow_dash=True))  # fmt: skip
@options.policy_option
@options.calendar_option
@click.option("--at", type=options.INSTANT, metavar="INSTANT", help="When; default: now.")
@click.option(
    "--old", "old_path", metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, readable=False, allow_dash=True),
    help="Objects as they stand; what is among them is updated.",
)  # fmt: skip
@click.option(
    "--operation", type=click.Choice(["create", "update", "delete"]),
    help="What is done; default: update what stands in --old, create anything else.",
)  # fmt: skip
@click.option("--user", metavar="NAME", help=f"Who asks the API server.  [default: {_PERSON}]")
@click.option(
    "--group", "groups", multiple=True, metavar="NAME…",
    help="Groups of that user, beside those that the API server adds; repeatable.",
)  # fmt: skip
@click.option(
    "--namespace", metavar="NAME",
    help="Namespace of objects that name none.  [default: default]",
)  # fmt: skip
@click.option(
    "--environment", metavar="NAME", help="The webhook's --environment, such as production."
)
@options.dsn_option
@click.option("--dry-run", is_flag=True, help="Ask as kubectl --dry-run=server does.")
@options.json_option
def judge(
    paths: tuple[str, ...],
    policy_path: str,
    calendar_paths: tuple[str, ...],
    at: datetime | None,
    environment: str | None,
    dsn: str | None,
    as_json: bool,
    **how: Any,
) -> int:
    """Judge the manifests in FILE… as the webhook would, without a cluster. Nothing is recorded.

    FILE holds objects (YAML or JSON, several documents, lists) or AdmissionReviews; `-` is the
    standard input. An object is created, unless it stands in --old: `kubectl get -o yaml` gives
    such a file, and where that holds ReplicaSets or ControllerRevisions, rollbacks are recognised.

    With --json there is one JSON object a line for each document: file, document, line, kind,
    namespace, name, operation, actions, why, decision, and the response to the API server.
    """
    if not paths:
        raise click.UsageError("name a FILE…, before --calendar and --group or after --")
    cases, history = _cases(paths, **how)
    for case in cases:
        if case.note:
            complain(f"note: {case.manifest.problem(case.note)}")
    inputs = open_inputs(policy_path, calendar_paths, dsn)
    court = _Court(inputs, at or datetime.now(UTC), environment or None, history)
    rulings = [court.hear(case) for case in cases]
    for ruling in rulings:
        if as_json:
            write(msgspec.json.encode(ruling) + b"\n")
        else:
            click.echo("\n".join(_lines(ruling)))
    return Exit.DENIED if any(ruling.blocked for ruling in rulings) else Exit.ALLOWED


def _cases(
    paths: Sequence[str],
    old_path: str | None,
    operation: str | None,
    user: str | None,
    groups: tuple[str, ...],
    namespace: str | None,
    dry_run: bool,
) -> tuple[list[Case], History]:
    """What is to be judged, and the templates of the past."""
    if (*paths, old_path).count("-") > 1:
        raise click.UsageError("the standard input can be read once only")
    if operation == "create" and old_path is not None:
        raise click.UsageError("what is created does not stand: leave --old out")
    home = namespace or "default"
    old = [] if old_path is None else read_file(old_path)
    standing, entries = standing_of(old, home)
    wanted = Wanted(
        asking=Asking(user=user or _PERSON, groups=groups, dry_run=dry_run),
        namespace=home,
        operation=operation.upper() if operation else None,
        standing=standing,
        own_reviews=not (old_path or operation or user or groups or namespace or dry_run),
    )
    return cases_of(read_files(paths), wanted), History(entries)


class _Court:
    """Takes a review the webhook's own way, but for the record of it."""

    def __init__(
        self, inputs: Compiled, at: datetime, environment: str | None, history: History
    ) -> None:
        from gate.service.webhook.standing import Standing  # noqa: PLC0415  (loads asyncio)

        self._inputs, self._at, self._environment = inputs, at, environment
        self._standing = Standing(inputs)
        self._history = history
        self._ids = Identifiers()

    def hear(self, case: Case) -> Ruling:
        """What the webhook would say."""
        review = case.review
        if review is None:
            return _ruling(case, _NOT_SENT)
        caller = self._standing.callers.of(review.user)
        if aside := set_aside(review, caller, None):
            return _ruling(case, aside, passed(review.uid, aside))
        floor = self._standing.floor(self._at)
        change = classify(review, Context(caller.invoker, floor, self._history))
        if not change.actions:
            return _ruling(case, change.why, passed(review.uid, change.why))
        decision = strictest(
            [
                self._inputs.decide(request, self._at)
                for request in requests_of(review, change.actions, caller, self._environment)
            ]
        )
        decision = msgspec.structs.replace(decision, id=self._ids.next())
        answer = self._standing.answers.of(review.uid, decision, change.actions)
        return _ruling(case, change.why, answer, change.actions, decision)


def _ruling(
    case: Case,
    why: str,
    answer: bytes | None = None,
    actions: tuple[Action, ...] = (),
    decision: Decision | None = None,
) -> Ruling:
    return Ruling(
        file=case.manifest.file,
        document=case.manifest.document,
        line=case.manifest.line,
        kind=case.kind,
        namespace=case.namespace,
        name=case.name,
        operation=case.operation,
        actions=actions,
        why=why,
        decision=decision,
        response=None if answer is None else json.loads(answer)["response"],
    )


def _lines(ruling: Ruling) -> Iterator[str]:
    """What was asked and answered, and below it what kubectl would print."""
    headline, colour = _headline(ruling)
    where = f"{ruling.file}:{ruling.line}"
    target = f"{ruling.namespace}/{ruling.name}" if ruling.namespace else ruling.name
    what = plain(f"{where}  {ruling.operation.lower()} {ruling.kind} {target}")
    if ruling.decision is None:
        yield f"{click.style(headline, fg=colour)}  {what}: {PASSED_WORDS[ruling.why]}"
        return
    request = ruling.decision.request
    actions = " and ".join(ruling.actions)
    odd = ", which is not understood" if ruling.why == Why.NOT_UNDERSTOOD else ""
    first = click.style(headline, fg=colour, bold=True)
    yield f"{first}  {what}: {actions} by {request.invoker}{odd}"
    assert ruling.response is not None
    for warning in ruling.response.get("warnings", ()):
        yield f"  Warning: {warning}"
    if status := ruling.response.get("status"):
        yield (
            f"  Error from server ({status['reason']}): admission webhook"
            f' "{WEBHOOK_NAME}" denied the request: {status["message"]}'
        )


def _headline(ruling: Ruling) -> tuple[str, str]:
    if ruling.decision is None:
        return "NOT JUDGED", "blue"
    if ruling.blocked:
        return "DENIED", "red"
    return ("WARNED", "yellow") if ruling.decision.effect is Effect.WARN else ("ALLOWED", "green")
