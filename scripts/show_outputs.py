"""Write into the pages what the commands that they show print now.

    python scripts/show_outputs.py [PAGE…]

Outputs with an ellipsis are shown in part, on purpose, and stay as they are. Read the difference
before you commit it: the pages say to people what this script found.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.docs.pages import PAGES, Shown, name, rewritten, shown  # noqa: E402
from tests.docs.running import session  # noqa: E402


def refresh(page: Path) -> int:
    """Rewrite a page; the number of commands that did not end with the exit code it says."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder, session(Path(folder)) as followed:

        def run(each: Shown) -> str:
            ran = followed.follow(each)
            if ran.code != each.exit_code:
                wrong.append(each)
                sys.stdout.write(f"{name(page)}: $ {each.written}: exit {ran.code}\n{ran.text}\n")
            return ran.text

        text = rewritten(page, run)
    page.write_text(text, encoding="utf-8")
    return len(wrong)


def main() -> int:
    """Rewrite the pages given, else all that show commands."""
    chosen = [Path(given).resolve() for given in sys.argv[1:]] or PAGES
    return 1 if sum(refresh(page) for page in chosen if any(shown(page))) else 0


if __name__ == "__main__":
    sys.exit(main())
