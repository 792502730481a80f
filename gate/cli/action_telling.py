"""How the Action tells a decision: outputs, annotations, the step's summary, the comment."""

import io
from collections.abc import Mapping
from typing import TextIO

from gate.cli.action_asking import Answer
from gate.cli.action_places import write_outputs, write_summary
from gate.core.decision import Effect
from gate.core.instants import micros
from gate.core.listing import locked_stretches
from gate.core.outlook import days_ahead
from gate.core.problems import Problem
from gate.core.wording import lasting
from gate.github.action.annotations import shown, telling
from gate.github.action.commands import Kind, command, log_line
from gate.github.action.outputs import outputs
from gate.github.action.picture import picture
from gate.github.action.settings import Mode, Settings
from gate.github.action.summary import Told, comment, summary
from gate.github.action.workflow import Workflow
from gate.inputs import Compiled

_DAYS = 14
_NAMED_PROBLEMS = 50


class Log:
    """The step's log, a line at a time as it happens; nothing in it is a command but ours."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream

    def write(self, line: str) -> None:
        """A line made by `command` or `log_line`."""
        print(line, file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """A plain line."""
        self.write(log_line(text))

    def warn(self, title: str, text: str) -> None:
        """A warning of ours, which changes no answer."""
        self.write(command("warning", text, title=f"Saturday Gate: {title}"))

    def problem(self, kind: Kind, problem: Problem) -> None:
        """What is wrong with an input or a file, where it stands."""
        title = f"Saturday Gate: {problem.field}" if problem.field else "Saturday Gate"
        body = f"{problem.message} ({problem.mend})" if problem.mend else problem.message
        self.write(command(kind, body, title=title, file=problem.file, line=problem.line))


class Teller:
    """Tells answers to everybody who reads along; OSError where outputs cannot be written."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], log: Log, workflow: Workflow
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._log = log
        self._workflow = workflow

    def wait_begins(self, found: Answer) -> None:
        """The refusal that a wait begins with, which is no error yet."""
        for line in telling(found.decision, found.policy, has_record=self._has_record).plainly():
            self._log.write(line)
        change = found.decision.next_change
        opening = f"until {shown(change, found.policy)}" if change is not None else "until it opens"
        patience = lasting(self._settings.wait_timeout)
        self._comment(found, f"waiting {opening}, for {patience} at most")

    def tell(self, found: Answer) -> None:
        """The answer of the step."""
        write_outputs(outputs(found.decision), self._environ)
        reporting = self._settings.mode is Mode.REPORT
        failing = found.decision.effect is Effect.BLOCK and not reporting
        for problem in found.problems[:_NAMED_PROBLEMS]:
            self._log.problem("error" if failing else "warning", problem)
        told = telling(
            found.decision,
            found.policy,
            has_record=self._has_record,
            reporting=reporting,
            annotated=bool(found.problems),
        )
        for line in told.rendered():
            self._log.write(line)
        self._summarise(found)
        self._comment(found, None)

    @property
    def _has_record(self) -> bool:
        return self._settings.has_record

    def _summarise(self, found: Answer) -> None:
        if not self._environ.get("GITHUB_STEP_SUMMARY"):
            return
        try:
            write_summary(summary(self._told(found), _picture(found)), self._environ)
        except OSError as error:
            self._log.warn("no summary", f"it cannot be written: {error.strerror}")

    def _comment(self, found: Answer, waiting: str | None) -> None:
        if self._workflow.may_comment:
            text = comment(self._told(found), waiting, self._workflow.address)
            self._workflow.comment(text, found.decision.request)

    def _told(self, found: Answer) -> Told:
        return Told(
            decision=found.decision,
            policy=found.policy,
            has_record=self._has_record,
            problems=tuple(map(str, found.problems)),
        )


def _picture(found: Answer) -> list[str]:
    """The coming days, from the files of the repository where they can be read."""
    if not isinstance(found.inputs, Compiled):
        return []
    request, now, timeline = found.decision.request, found.decision.at, found.inputs.timeline
    days = days_ahead(timeline, request, now, _DAYS)
    end = next(day.cells[-1].end for day in reversed(days) if day.cells)
    locked = locked_stretches(timeline, request, micros(now), micros(end))
    return picture(days, locked, request, timeline.policy, now)
