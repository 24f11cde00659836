"""GitHub's Markdown as safe HTML: tables, task lists with boxes to click, references, code, diagrams as text.

What a person wrote is sanitised; our own form controls are put in afterwards.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from pygments.token import STANDARD_TYPES

from localhub.pages.code import highlight
from localhub.pages.diagram import readable
from localhub.pages.emoji import CODES
from localhub.pages.place import Place

Resolve = Callable[[str, str], "Link | None"]
"""("issue", "12"), ("issue", "o/r#12"), ("user", "ada") or ("commit", sha) to where it leads, if anywhere."""

_BOX = re.compile(r"\[([ xX])\](?=\s)")
_ITEM = re.compile(r"^(?P<lead>(?:[\s>]*)(?:[-*+]|\d+[.)])\s+)\[[ xX]\](?=\s)")
_REFERENCE = re.compile(
    r"(?P<url>https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]])"
    r"|(?<![\w/&#`])(?P<issue>(?:[\w.-]+/[\w.-]+)?#\d+)\b"
    r"|(?<![\w/@.`-])@(?P<user>[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\[bot\])?)(?![\w-])"
    r"|(?<![\w:]):(?P<emoji>[a-z0-9_+-]+):"
    r"|(?<![\w/@.#-])(?P<commit>[0-9a-f]{7,40})(?![\w-])"
)
_MARKS = re.compile(r"^[\s>]*(?:[-*+]|\d+[.)])|[*_`]|<!--.*")
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}(\\d+)([ x]){_CLOSE}")
_TAGS = nh3.ALLOWED_TAGS | {"figure", "figcaption", "details", "summary", "section"}
_CLASSES = {
    "span": {name for name in STANDARD_TYPES.values() if name},
    "pre": {"code", "gone", "new"}, "figure": {"diagram", "suggestion"}, "ul": {"edges"}, "li": {"task"},
}  # fmt: skip
_OURS = f"/{_CLOSE}"  # marks the links that references became, which lead elsewhere than a file's own
_SAFE = re.compile(r"/(?![/\\])|https?://")
_OWN = "user-content-"
_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES, "a": {"href", "title"}, "th": {"align"}, "td": {"align"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    href: str
    title: str = ""


@dataclass(frozen=True)
class Boxes:
    """Boxes may be clicked: each is a button of the form with this id."""

    form: str


@dataclass(frozen=True)
class Box:
    """A task list's box: the line it stands in (from 0) and what to know it again by."""

    line: int
    key: str
    label: str


def render(
    text: str | None,
    resolve: Resolve,
    boxes: Boxes | None = None,
    place: Place | None = None,
    about: Sequence[str] = (),
) -> Markup:
    """`text` as HTML; of a file of a repository when it has a `place`, where its links and pictures start from.

    `about`: the lines that a comment is about, in whose place it may suggest others.
    """
    source = (text or "").translate({ord(_OPEN): None, ord(_CLOSE): None})
    parser = _parser()
    tokens = parser.parse(source)
    found = _mark(tokens, source)
    for token in tokens:
        if token.type == "inline" and token.children is not None:
            token.children = _linked(_pictured(token.children), resolve)
    _headings(tokens, named=place is not None)
    raw = str(parser.renderer.render(tokens, parser.options, {"about": about}))
    clean = nh3.clean(
        raw, tags=_TAGS, allowed_classes=_CLASSES, link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto"}, attributes=_ATTRIBUTES,
        attribute_filter=lambda tag, name, value: _attribute(tag, name, value, place),
    )  # fmt: skip
    return Markup(_PLACE.sub(lambda match: _control(found[int(match[1])], match[2] == "x", boxes), clean))  # noqa: S704


def _attribute(tag: str, name: str, value: str, place: Place | None) -> str | None:
    """Links and pictures of a file lead within its repository; other pictures are not fetched, and no id is ours."""
    if name == "id":
        return value if value.startswith(_OWN) else _OWN + value
    if tag == "img" and name == "src":
        return place.picture(value) if place is not None else None
    if tag == "a" and name == "href" and value.startswith(_OURS):
        own = value.removeprefix(_OURS)  # not proof enough: an entity in raw HTML can spell the mark too
        return own if _SAFE.match(own) else None
    if tag == "a" and name == "href" and place is not None:
        return place.link(value)
    return value


def _pictured(children: list[Token]) -> list[Token]:
    """Pictures of other sites as links to them: no page fetches from elsewhere."""
    shown: list[Token] = []
    for child in children:
        src = str(child.attrGet("src") or "") if child.type == "image" else ""
        if src.startswith(("http://", "https://")):
            opened = Token("link_open", "a", 1, attrs={"href": src, "title": "a picture of another site"})
            shown += [opened, _text(child.content or src), Token("link_close", "a", -1)]
        else:
            shown.append(child)
    return shown


def _headings(tokens: list[Token], *, named: bool) -> None:
    """One level below the page's own heading; those of a file can be linked to by their words, as on GitHub."""
    taken: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type not in ("heading_open", "heading_close"):
            continue
        if token.type == "heading_open" and named:
            words = "".join(
                child.content for child in tokens[at + 1].children or [] if child.type in ("text", "code_inline")
            )
            slug = re.sub(r"[^\w\- ]", "", words.lower()).strip().replace(" ", "-")
            taken[slug] = taken.get(slug, -1) + 1
            token.attrSet("id", _OWN + slug + (f"-{taken[slug]}" if taken[slug] else ""))
        token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def toggled(text: str, key: str, checked: bool) -> str | None:
    """`text` with the box of this key set; None when no box has it (the text was changed meanwhile)."""
    tokens = _parser().parse(text)
    box = next((each for each in _mark(tokens, text) if each.key == key), None)
    if box is None:
        return None
    lines = text.split("\n")
    lines[box.line] = _BOX.sub("[x]" if checked else "[ ]", lines[box.line], count=1)
    return "\n".join(lines)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("fence", _fence)
    return parser


def _fence(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    words = token.info.split()
    language = words[0].lower() if words else ""
    if language == "mermaid":
        return readable(token.content)
    if language == "suggestion":
        return _suggestion(env.get("about", ()), _lines(token.content))
    return f'<pre class="code"><code>{highlight(token.content, language)}</code></pre>\n'


def suggestions(text: str) -> list[list[str]]:
    """The lines of each suggested change in a comment."""
    fences = (token for token in _parser().parse(text) if token.type == "fence")
    return [_lines(token.content) for token in fences if token.info.split()[:1] == ["suggestion"]]


def _lines(content: str) -> list[str]:
    return content.removesuffix("\n").split("\n") if content else []


def _suggestion(old: Sequence[str], new: Sequence[str]) -> str:
    blocks = [
        f'<pre class="{kind}"><code>{html.escape(chr(10).join(f"{sign} {line}" for line in lines))}</code></pre>'
        for kind, sign, lines in (("gone", "−", old), ("new", "+", new)) if lines
    ]  # fmt: skip
    return f'<figure class="suggestion"><figcaption>Suggested change</figcaption>{"".join(blocks)}</figure>\n'


def _mark(tokens: list[Token], source: str) -> list[Box]:
    """Find the boxes and put placeholders where they are."""
    lines = source.split("\n")
    found: list[Box] = []
    for at, token in enumerate(tokens):
        if token.type != "inline" or not token.map or not token.children or at < 2:
            continue
        first, line = token.children[0], token.map[0]
        in_item = tokens[at - 1].type == "paragraph_open" and tokens[at - 2].type == "list_item_open"
        match = _BOX.match(first.content) if first.type == "text" else None
        if not in_item or match is None or line >= len(lines) or not _ITEM.match(lines[line]):
            continue
        label = _BOX.sub("", lines[line], count=1).strip()
        same = sum(1 for box in found if box.key.startswith(_digest(label)))
        sign = " " if match[1] == " " else "x"
        first.content = f"{_OPEN}{len(found)}{sign}{_CLOSE}{first.content[match.end() :]}"
        tokens[at - 2].attrSet("class", "task")
        found.append(Box(line, f"{_digest(label)}{same}", _MARKS.sub("", label).strip()[:120]))
    return found


def _digest(label: str) -> str:
    return hashlib.sha256(label.encode()).hexdigest()[:16] + "."


def _control(box: Box, checked: bool, boxes: Boxes | None) -> str:
    state, label = "true" if checked else "false", html.escape(box.label or "task")
    shown = f'class="tick" role="checkbox" aria-checked="{state}" aria-label="{label}"'
    if boxes is None:
        return f'<span {shown} aria-disabled="true"></span>'
    value = f"{box.key}:{0 if checked else 1}"
    return f'<button {shown} type="submit" form="{html.escape(boxes.form)}" name="box" value="{value}"></button>'


def _linked(children: list[Token], resolve: Resolve) -> list[Token]:
    """Turn URLs, #12, @ada and commits in plain text into links."""
    shown: list[Token] = []
    inside = 0
    for child in children:
        inside += (child.type == "link_open") - (child.type == "link_close")
        if child.type == "text" and not inside:
            shown += _split(child, resolve)
        else:
            shown.append(child)
    return shown


def _split(token: Token, resolve: Resolve) -> list[Token]:
    parts: list[Token] = []
    at = 0
    for match in _REFERENCE.finditer(token.content):
        kind = str(match.lastgroup)
        if kind == "emoji":
            if match[kind] in CODES:
                parts.append(_text(token.content[at : match.start()] + CODES[match[kind]]))
                at = match.end()
            continue
        link = Link(match[0]) if kind == "url" else resolve(kind, match[kind])
        if link is None:
            continue
        text = match[0][:7] if kind == "commit" and len(match[0]) == 40 else match[0]
        href = _OURS + link.href
        opened = Token("link_open", "a", 1, attrs={"href": href, "title": link.title} if link.title else {"href": href})
        parts += [_text(token.content[at : match.start()]), opened, _text(text), Token("link_close", "a", -1)]
        at = match.end()
    return [*parts, _text(token.content[at:])]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
