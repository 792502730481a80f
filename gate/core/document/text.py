"""The bytes of a document as text: size, encoding and characters are judged before any parsing."""

import re

from gate.core.problems import InputError

MAX_BYTES = 1 << 20
"""1 MiB, of the file as it stands."""

# C0 without tab, line feed and carriage return; DEL; C1. YAML forbids most of them, and none has
# a place in a policy: they hide text from whoever reads it in a terminal or an editor.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def decode(data: bytes, file: str) -> str:
    """The text of a document without its byte order mark; `InputError` where it is none."""
    if len(data) > MAX_BYTES:
        raise InputError.of(
            f"has {len(data)} bytes; a document has at most {MAX_BYTES} (1 MiB)", file=file
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.of(
            f"is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}",
            file=file,
            line=len(re.findall(rb"\r\n|\r|\n", data[: error.start])) + 1,
            mend="save the file as UTF-8",
        ) from None
    if found := CONTROL.search(text):
        raise InputError.of(
            f"holds the control character U+{ord(found[0]):04X}",
            file=file,
            line=line_at(text, found.start()),
            mend="remove it",
        )
    return text


def line_at(text: str, offset: int) -> int:
    """The line, from 1, of a character offset."""
    return sum(1 for _ in _LINE_BREAK.finditer(text, 0, offset)) + 1
