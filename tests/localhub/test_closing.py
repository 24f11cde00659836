"""Closing keywords, as GitHub reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhub.closing import references


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Closes #12", [(None, 12)]),
        ("fixes: #3, resolves #4 and closed #3", [(None, 3), (None, 4)]),
        ("Fixes alice/sample#7 and fixes bob/else#8", [(None, 7), ("bob/else", 8)]),
        ("resolve http://127.0.0.1:80/alice/sample/issues/9", [(None, 9)]),
        ("closes 12, encloses #1, closes#2, see #3", []),
        ("`closes #1` and ```\nfixes #2\n```", []),
        ("", []),
        (None, []),
    ],
)
def test_references(text, found):
    assert references(text, "alice/sample") == found


@given(st.text())
def test_any_text_is_read(text):
    assert all(number >= 0 for _, number in references(text, "alice/sample"))
