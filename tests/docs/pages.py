"""What the tests of the documents read: pages, their links, headings and console blocks."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HERE = re.compile(r"<<'(\w+)'")
_EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True)
class Shown:
    """A command of a console block: as written and as run, its exit code, the output shown."""

    written: str
    command: str
    exit_code: int
    output: str


def name(page: Path) -> str:
    """A page as a test's id."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of a page's links."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [body for kind, body in found if kind == language]


def shown(page: Path) -> Iterator[Shown]:
    """The commands of a page's console blocks, in order.

    A line `$ command` may go on after a backslash or with a here-document, and may end with
    `# exit N`; the lines up to the next command are its output.
    """
    for block in blocks(page, "console"):
        yield from _commands(block)


def rewritten(page: Path, run: Callable[[Shown], str]) -> str:
    """A page's text with the outputs that ``run`` gives; one that is shown in part (`…`) stays."""

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        return f"```console\n{''.join(map(entry, _commands(match[2])))}```"

    def entry(each: Shown) -> str:
        printed = run(each)
        output = each.output if "…" in each.output else printed
        head = f"$ {each.written}\n"
        return head + (output.rstrip("\n") + "\n" if output.strip() else "")

    return _FENCE.sub(block, page.read_text(encoding="utf-8"))


def _commands(block: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        command = [lines.pop(0)]
        while command[-1].endswith("\\"):
            command.append(lines.pop(0))
        if here := _HERE.search(command[-1]):
            end = lines.index(here[1]) + 1
            command += lines[:end]
            del lines[:end]
        text = "\n".join(command)
        code = _EXIT.search(text)
        yield Shown(
            written=text,
            command=_EXIT.sub("", text),
            exit_code=int(code[1]) if code else 0,
            output="\n".join(lines),
        )
