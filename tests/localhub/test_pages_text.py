"""What pages make of people's text: nothing of theirs runs, boxes are found again, diagrams can be read."""

from __future__ import annotations

import re

import pytest

from localhub.pages import markdown
from localhub.pages.diagram import readable
from localhub.pages.front import local


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/a/b?x=1", "/a/b?x=1"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("http://evil.example", "/")],
)
def test_after_choosing_one_stays_here(path: str, wanted: str) -> None:
    assert local(path) == wanted


def test_scripts_styles_and_fake_controls_do_not_survive() -> None:
    wild = (
        '<script>alert(1)</script><img src=x onerror=alert(1)> <a href="javascript:alert(1)">x</a> '
        '<button form="tick-1" name="box" value="x:1">Approve</button><p style="position:fixed" class="tick">y</p> '
        "\ue0000x\ue001 [z](javascript:alert(1))"
    )
    html = str(markdown.render(wild, lambda kind, text: None))
    for forbidden in ("<script", "onerror", 'href="javascript', "<button", "style=", "class=", "\ue000"):
        assert forbidden not in html


def test_boxes_are_known_by_their_text() -> None:
    text = "- [ ] one\n- [x] two\n  - [ ] one\n1. [ ] three\n\n> - [ ] four"
    html = str(markdown.render(text, lambda kind, name: None, markdown.Boxes("f")))
    keys = re.findall(r'value="([^"]+):([01])"', html)
    assert [wanted for _, wanted in keys] == ["1", "0", "1", "1", "1"]
    assert len({key for key, _ in keys}) == 5
    assert markdown.toggled(text, keys[2][0], True) == text.replace("  - [ ] one", "  - [x] one")
    assert markdown.toggled(text, keys[1][0], False) == text.replace("[x] two", "[ ] two")
    assert markdown.toggled(text, keys[4][0], True) == text.replace("> - [ ]", "> - [x]")
    assert markdown.toggled("- [ ] other", keys[0][0], True) is None


def test_a_flow_chart_is_told_in_words_and_other_diagrams_as_source() -> None:
    told = readable('graph LR\n  a["First & last"]\n  b[["Second"]]\n  a --> b\n')
    assert "<strong>Second</strong> after <em>First &amp; last</em>" in told
    assert "sequenceDiagram" in readable("sequenceDiagram\n  A->>B: hi\n")
    assert "<script" not in readable("graph LR\n  a[<script>]\n")
