"""Size, encoding and characters, before anything is parsed."""

import pytest

from tests.document.documents import HEAD, policy, problems

MIB = 1 << 20


def test_a_document_of_one_mib_is_read() -> None:
    text = HEAD + "#"
    assert policy(text + "x" * (MIB - len(text))).mode == "enforce"


def test_a_byte_more_is_refused() -> None:
    text = HEAD + "#"
    data = (text + "x" * (MIB - len(text) + 1)).encode()
    assert problems(data) == [
        (None, None, f"has {MIB + 1} bytes; a document has at most {MIB} (1 MiB)")
    ]


def test_bytes_that_are_no_utf8_are_refused_with_their_line() -> None:
    ((line, field, message),) = problems(HEAD.encode() + b"name: \xe9\n")
    assert (line, field) == (3, None)
    assert message.startswith("is not UTF-8: byte 0xe9 at offset 41")


def test_utf16_is_refused() -> None:
    assert problems(HEAD.encode("utf-16"))[0][0] == 1


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b"])
@pytest.mark.parametrize("text", [HEAD + "# {}\n", '{{"version": 1,\n\n"name": "{}"}}'])
def test_control_characters_are_refused_with_their_line(character: str, text: str) -> None:
    ((line, field, message),) = problems(text.format(character))
    assert (line, field) == (3, None)
    assert f"U+{ord(character):04X}" in message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_at_every_kind_of_line_end(end: str) -> None:
    assert problems(f"version: 1{end}{end}timezone: X{end}")[0][0] == 3
    assert problems(f'{{"version": 1,{end}{end}"timezone": "X"}}')[0][0] == 3


def test_the_digest_is_of_the_bytes_as_they_stand() -> None:
    # sha256 of these two lines behind a byte order mark, by coreutils' sha256sum
    wanted = "125c6a8e89dcf590281decf1d19fcc62252004a98b199ae685cddb1240526370"
    assert policy("\ufeff" + HEAD).sha256 == wanted
