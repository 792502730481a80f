"""What the runner of GitHub Actions reads of a step: lines of its log, and files of values.

The log is a channel of commands: a line that begins with ``::`` (after blanks), or has ``##[``
anywhere, may set outputs, masks and paths. Texts that others wrote (names, messages of policies)
reach it only through `command` and `log_line`.
"""

from collections.abc import Mapping
from typing import Literal

from gate.core.printable import plain

Kind = Literal["error", "warning", "notice"]
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def command(
    kind: Kind,
    message: str,
    *,
    title: str | None = None,
    file: str | None = None,
    line: int | None = None,
) -> str:
    """An annotation as one line of the log; ``message`` may have several."""
    given = {"file": file, "line": line, "title": title}
    properties = ",".join(
        f"{key}={plain(str(value)).translate(_PROPERTY)}"
        for key, value in given.items()
        if value is not None
    )
    body = "\n".join(plain(part) for part in message.split("\n"))
    head = f"{kind} {properties}" if properties else kind
    return _disarmed(f"::{head}::{body.translate(_DATA)}")


def log_line(text: str) -> str:
    """One line that is no command, whatever the text holds."""
    return _disarmed(f"gate: {plain(text)}")


def output_entries(values: Mapping[str, str], delimiter: str) -> str:
    """Lines for ``GITHUB_OUTPUT``: ``name=value`` where that cannot be read as anything else.

    Other values stand between lines of ``delimiter``, which is random, so that none can end itself;
    ValueError where one holds it all the same.
    """
    if any(delimiter in value for value in values.values()):
        raise ValueError("the delimiter stands in a value")
    return "".join(
        f"{name}={value}\n"
        if value.isprintable()
        else f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
        for name, value in values.items()
    )


def _disarmed(line: str) -> str:
    return line.replace("##[", "## [")
