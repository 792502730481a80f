"""Globs in the policy mean what they mean to `fnmatch`, in a syntax that RE2 has, too."""

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.cluster.fallback.cel import literal
from gate.cluster.fallback.globs import anchored, matches, pattern

# Everything that means something in a glob or in a pattern, and a little that does not.
ALPHABET = "ab-]![^*?\\&~|.+(){}$/ :\n\té"
GLOBS = st.text(ALPHABET, min_size=1, max_size=8)
BRACKETS = st.text(ALPHABET, max_size=5).map(lambda inside: f"a[{inside}]b*")
TEXTS = st.text(ALPHABET, max_size=6)


def fits(glob: str, text: str) -> bool:
    # Python writes the last code point otherwise than RE2.
    readable = pattern(glob).replace(r"\x{10ffff}", "\U0010ffff")
    return re.fullmatch(readable, text, re.DOTALL) is not None


@given(GLOBS | BRACKETS, TEXTS | BRACKETS)
@example("[!]", "[!]")
@example("[]-a]", "^")
@example("[b-a]", "a")
@example("[!b-a]", "\n")
@example("[a-c-e]", "-")
@example("[--0]", ".")
@example("[a-]", "-")
@example("[^a]", "^")
@example("[[]", "[")
@example("*\n", "a\n")
@example("a", "a\n")
def test_a_glob_fits_what_fnmatch_says(glob: str, text: str) -> None:
    assert fits(glob, text) == fnmatchcase(text, glob)


@given(GLOBS, st.lists(st.sampled_from(ALPHABET), max_size=8))
def test_a_glob_fits_what_it_is_made_of(glob: str, filling: list[str]) -> None:
    """Texts near the glob, which random ones seldom are."""
    text = re.sub(r"[*?]", lambda _: filling.pop() if filling else "", glob)
    assert fits(glob, text) == fnmatchcase(text, glob)


@given(GLOBS)
def test_patterns_need_nothing_that_re2_lacks(glob: str) -> None:
    written = anchored(glob)
    assert not re.search(r"\(\?[^s]|\\[1-9]", written.replace("\\\\", ""))


def test_case_matters() -> None:
    assert fits("Shop*", "Shop-1")
    assert not fits("Shop*", "shop-1")


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["a"], "s == 'a'"),
        (["a", "b", "a"], "s in ['a', 'b']"),
        (["wedding-*"], "s.matches('^(?s:wedding-.*)$')"),
        (["a", "b?"], "s == 'a' || s.matches('^(?s:b.)$')"),
        (["a", "*"], "true"),
        (["a.b"], "s == 'a.b'"),
        (["a.b*"], "s.matches('^(?s:a\\\\.b.*)$')"),
    ],
)
def test_tests_are_as_plain_as_they_can_be(globs: list[str], expected: str) -> None:
    assert matches("s", globs) == expected


@given(st.text())
def test_texts_survive_as_literals(text: str) -> None:
    """CEL's escapes, of those used here, are Python's."""
    written = literal(text)
    assert written.isprintable()
    assert eval(written) == text
