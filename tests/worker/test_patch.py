"""V4A patches: what models send, what must come out, and that any change can be said."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.patch import PatchError, apply, parse

CALC = """import math


class Calc:
    def add(self, a, b):
        return a + b

    def sub(self, a, b):
        return a - b


class Other:
    def add(self, a, b):
        return a + b
"""


def patched(text: str, *body: str, path: str = "calc.py") -> str:
    patch = "\n".join(["*** Begin Patch", f"*** Update File: {path}", *body, "*** End Patch"])
    result = apply(patch, {path: text}.get)[path]
    assert result is not None
    return result


def test_the_first_place_that_fits_is_changed() -> None:
    assert patched("a\nb\na\n", "-a", "+x") == "x\nb\na\n"


def test_chunks_go_on_from_each_other() -> None:
    assert patched("a\nb\na\n", "@@", "-a", "+x", "@@", "-a", "+y") == "x\nb\ny\n"


def test_anchors_jump_to_a_place() -> None:
    result = patched(
        CALC, "@@ class Other:", "@@     def add(self, a, b):", "-        return a + b", "+        return b + a"
    )
    assert result == CALC[: -len("        return a + b\n")] + "        return b + a\n"


def test_context_may_differ_in_blanks_and_the_files_own_lines_stay() -> None:
    assert patched("if x:  \n\tgo\n", " if x:", "-    go", "+\tstay") == "if x:  \n\tstay\n"


def test_an_empty_line_is_a_blank_context_line() -> None:
    assert patched("a\n\nb\n", " a", "", "-b", "+c") == "a\n\nc\n"


def test_insertions_without_context() -> None:
    assert patched("a\nb\n", "+c") == "a\nb\nc\n"
    assert patched("a\nb\n", "@@ a", "+c") == "a\nc\nb\n"
    assert patched("", "+c") == "c\n"


def test_the_end_of_file_marker_binds_to_the_end() -> None:
    assert patched("a\nb\na\n", "-a", "+x", "*** End of File") == "a\nb\nx\n"


def test_a_missing_last_newline_stays_missing_and_crlf_stays_crlf() -> None:
    assert patched("a\nb", "-b", "+c") == "a\nc"
    assert patched("a\r\nb\r\n", " a", "-b", "+c") == "a\r\nc\r\n"


def test_add_delete_and_move() -> None:
    files = {"old": "x\n", "gone": "y\n"}
    patch = "*** Begin Patch\n*** Add File: d/new\n+one\n+\n+two\n*** Delete File: gone\n*** Update File: old\n*** Move to: moved\n@@\n-x\n+z\n*** End Patch\n"
    assert apply(patch, files.get) == {"d/new": "one\n\ntwo\n", "gone": None, "old": None, "moved": "z\n"}


def test_two_updates_of_one_file_add_up() -> None:
    patch = "*** Begin Patch\n*** Update File: f\n-a\n+b\n*** Update File: f\n-b\n+c\n*** End Patch"
    assert apply(patch, {"f": "a\n"}.get) == {"f": "c\n"}


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ("", "starts with the line"),
        ("*** Begin Patch\n*** End Patch", "holds no operation"),
        ("*** Begin Patch\nhello\n*** End Patch", "line 2: expected"),
        ("*** Begin Patch\n*** Update File: f\n*** End Patch", "f: nothing to update"),
        ("*** Begin Patch\n*** Update File: f\n@@ a\n*** End Patch", "a chunk without lines"),
        ("*** Begin Patch\n*** Update File: f\n*a\n*** End Patch", "starts with a blank, + or -"),
        ("*** Begin Patch\n*** Update File: f\n-nope\n*** End Patch", "f: these lines are not there"),
        ("*** Begin Patch\n*** Update File: f\n@@ nope\n-a\n*** End Patch", "there is no line 'nope'"),
        ("*** Begin Patch\n*** Update File: g\n-a\n*** End Patch", "g does not exist"),
        ("*** Begin Patch\n*** Delete File: g\n*** End Patch", "g does not exist"),
        ("*** Begin Patch\n*** Delete File: f\n+a\n*** End Patch", "takes nothing"),
        ("*** Begin Patch\n*** Add File: f\n+a\n*** End Patch", "f exists already"),
        ("*** Begin Patch\n*** Add File: n\na\n*** End Patch", "takes lines that start with +"),
        ("*** Begin Patch\n*** Add File: \n+a\n*** End Patch", "a path is missing"),
        ("*** Begin Patch\n*** Update File: f\n*** Move to: h\n-a\n+b\n*** End Patch", "h exists already"),
    ],
)
def test_mistakes_are_told(patch: str, told: str) -> None:
    with pytest.raises(PatchError, match=told.replace("+", r"\+")):
        apply(patch, {"f": "a\n", "h": "x\n"}.get)


LINES = st.lists(st.text(alphabet="ab ", max_size=3), max_size=12)


@given(before=LINES, after=LINES)
def test_any_change_can_be_said(before: list[str], after: list[str]) -> None:
    """Whatever lines a file has, the patch of whole-file context turns them into the others."""
    body = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            body += [f" {line}" for line in before[i:j]]
        else:
            body += [f"-{line}" for line in before[i:j]] + [f"+{line}" for line in after[k:m]]
    if not body:
        return
    old = "".join(line + "\n" for line in before)
    assert patched(old, "@@", *body, "*** End of File") == "".join(line + "\n" for line in after)


@given(st.lists(st.sampled_from(["*** Begin Patch", "*** End Patch", "*** Update File: f", "*** Add File: g", "*** Delete File: f",
                                 "*** Move to: h", "*** End of File", "@@", "@@ a", "-a", "+b", " a", "", "x", "\r", "\0"]), max_size=12))  # fmt: skip
def test_no_text_breaks_the_parser(lines: list[str]) -> None:
    text = "\n".join(["*** Begin Patch", *lines, "*** End Patch"])
    try:
        apply(text, {"f": "a\nb\na\n"}.get)
    except PatchError:
        pass
    else:
        assert parse(text)
