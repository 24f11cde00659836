"""Markers say what was signed, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.markers import Marker, find, make

KEYS = ("k" * 32, "old" * 12)

facts = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), max_size=5)
markers = st.builds(
    Marker,
    repo_id=st.integers(1, 2**53),
    kind=st.text(max_size=20),
    parent=st.integers(0, 2**31),
    key=st.text(max_size=200),
    facts=facts,
)


@given(marker=markers, before=st.text(), after=st.text())
def test_what_was_signed_is_read_back_from_any_text(marker: Marker, before: str, after: str) -> None:
    assert find(f"{before}\n{make(marker, KEYS)}\n{after}", KEYS, marker.repo_id) == marker


@given(marker=markers)
def test_it_stays_hidden(marker: Marker) -> None:
    text = make(marker, KEYS)
    assert text.startswith("<!--")
    assert text.endswith("-->")
    assert "-" not in text[4:-3].replace("branchwork:v1", ""), "two dashes would end an HTML comment"
    assert "\n" not in text


@given(marker=markers, position=st.integers(0, 10_000), replacement=st.characters())
def test_no_change_of_a_character_makes_another_marker(marker: Marker, position: int, replacement: str) -> None:
    text = make(marker, KEYS)
    position %= len(text)
    forged = text[:position] + replacement + text[position + 1 :]
    assert find(forged, KEYS, marker.repo_id) in ((marker, None) if forged == text else (None,))


@given(marker=markers, other=st.integers(1, 2**53))
def test_it_says_nothing_in_another_repository(marker: Marker, other: int) -> None:
    if other != marker.repo_id:
        assert find(make(marker, KEYS), KEYS, other) is None


def test_an_old_key_is_accepted_and_an_unknown_one_is_not() -> None:
    marker = Marker(1, "issue", 7, "a")
    assert find(make(marker, KEYS[1:]), KEYS, 1) == marker
    assert find(make(marker, ["x" * 32]), KEYS, 1) is None
    assert find(make(marker, KEYS), (), 1) is None
    with pytest.raises(ValueError, match="BRANCHWORK_SECRET_KEY"):
        make(marker, ())


def test_the_last_genuine_one_counts() -> None:
    first, second = Marker(1, "issue", 7, "a"), Marker(1, "issue", 7, "b")
    forged = make(Marker(1, "issue", 7, "c"), ["x" * 32])
    assert find(make(first, KEYS) + make(second, KEYS) + forged, KEYS, 1) == second


def test_no_text_has_no_marker() -> None:
    assert find(None, KEYS, 1) is None
    assert find("", KEYS, 1) is None
