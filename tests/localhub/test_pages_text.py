"""What pages make of people's text: nothing of theirs runs, boxes are found again, diagrams can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localhub.gitcore import Person
from localhub.gitstore import GitRepo
from localhub.pages import markdown, shapes
from localhub.pages.diagram import readable
from localhub.pages.front import local
from localhub.pages.listing import Query
from localhub.pages.place import Place
from localhub.pages.web import known_host


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


HOSTILE = [
    '<a href="javascript:alert(1)">x</a>', "[x](javascript:alert(1))", "[x](JaVaScRiPt&colon;alert(1))", "<javascript:alert(1)>",
    '<a href="/&#xe001;javascript:alert(1)">x</a>', '<a href="/&#xe001;//evil.example">x</a>', "[x](data:text/html,y)",
    '<svg><script>alert(1)</script></svg>', '<math><mi xlink:href="javascript:alert(1)">x</mi></math>', '<base href="//evil">',
    '<img src="x" onerror="alert(1)">', '<img src="//evil.example/x.png">', '<p onclick="alert(1)">x</p>', "<style>*{}</style>",
    '<form action="/logout"><input name="csrf"></form>', '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<meta http-equiv="refresh" content="0;url=//evil">', '<input type="submit" formaction="//evil">', "```<script>\nx\n```",
    "| <script>alert(1)</script> |\n| --- |\n| x |", '<details ontoggle="alert(1)" open>x</details>', "`<script>`",
]  # fmt: skip
"""What people have tried elsewhere."""


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("filed", [False, True])
def test_nothing_hostile_survives(text: str, filed: bool, tmp_path: Path) -> None:
    git = GitRepo(tmp_path / "r.git")
    git.init()
    who = Person("a", "a@example.org", "1700000000 +0000")
    place = Place(git, git.write_commit(git.write_tree({}), [], who, who, "x"), "/o/r/blob/main", "") if filed else None
    html = str(markdown.render(text, lambda kind, name: None, place=place))
    for tag in re.findall(r"<[^>]*>", html):
        assert not re.search(r"\bon\w+\s*=|style\s*=|srcdoc|formaction", tag), tag
        assert re.match(r"</?(a|p|code|pre|table|thead|tbody|tr|td|th|img|details|svg|span|br)\b", tag), tag
    for address in re.findall(r'(?:href|src)="([^"]*)"', html):
        assert re.match(r"/o/r/|#", address), address


def test_links_of_a_file_lead_within_its_repository() -> None:
    git = GitRepo(Path("/nowhere"))
    place = Place(git, "0" * 40, "/o/r/blob/main", "docs")
    assert place.link("guide.md") == "/o/r/blob/main/docs/guide.md"
    assert place.link("../READ ME.md#top") == "/o/r/blob/main/READ%20ME.md#top"
    assert place.link("/src/x.py") == "/o/r/blob/main/src/x.py"
    assert place.link("..") == "/o/r/tree/main"
    assert place.link("../../../etc/passwd") is None
    assert place.link("#usage") == "#user-content-usage"
    assert place.link("https://example.org/x") == "https://example.org/x"
    assert place.picture("https://tracker.example/x.png") is None
    html = str(markdown.render("# One\n\n## Two *words*!\n\n## Two words", lambda kind, name: None, place=place))
    assert re.findall(r'<h(\d) id="([^"]+)"', html) == [
        ("2", "user-content-one"), ("3", "user-content-two-words"), ("3", "user-content-two-words-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("is:open label:bug", ["is:open", "label:bug"]),
        ('-label:"two words" "exact words" plain', ['-label:"two words"', '"exact words"', "plain"]),
        ("state:closed author:app/bot", ["is:closed", "author:app/bot"]),
        ('label:"" a"b', ["a", "b"]),
        ("", []),
    ],
)
def test_queries_are_read_and_written(text: str, wanted: list[str]) -> None:
    query = Query.parse(text)
    assert [str(term) for term in query.terms] == wanted
    assert Query.parse(str(query)) == query


def test_a_query_is_narrowed_from_menus() -> None:
    query = Query.parse("is:open label:bug words")
    assert str(query.having("label", "a b")) == 'is:open words label:"a b"'
    assert str(query.having("is", "closed")) == "label:bug words is:closed"
    assert str(query.having("label", None)) == "is:open words"
    assert str(Query.parse("is:open no:label").having("label", "x")) == "is:open label:x"
    assert Query.parse("sort:updated").order == "updated-desc"
    assert Query.parse("sort:nonsense").order == "created-desc"
    assert Query.parse("is:pr").state == "all"


@pytest.mark.parametrize(
    ("host", "public", "known"),
    [
        ("127.0.0.1:8080", None, True), ("[::1]:8080", None, True), ("localhost:1", None, True),
        ("hub.localhost", None, True), ("192.168.0.7", None, True), ("evil.example:8080", None, False),
        ("hub.example", "https://hub.example", True), ("evil.example", "https://hub.example", False), ("", None, False),
        ("localhost.evil.example", None, False), ("127.0.0.1.evil.example", None, False),
    ],
)  # fmt: skip
def test_forms_are_taken_by_names_of_this_machine_alone(host: str, public: str | None, known: bool) -> None:
    assert known_host(host, public) is known


@pytest.mark.parametrize("color", ["000000", "ffffff", "0e8a16", "fbca04", "d73a4a", "7057ff", "808080", "777777"])
def test_words_on_labels_can_be_read(color: str) -> None:
    def light(rgb: str) -> float:
        parts = [int(rgb[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ink = {"#000": "000000", "#fff": "ffffff"}[shapes.ink(color)]
    low, high = sorted([light(color), light(ink)])
    assert (high + 0.05) / (low + 0.05) >= 4.5
