"""Every page of a hub that has some of everything: links lead somewhere, forms are ours, headings are in order, it fits a
telephone, it can be read in both themes and is reached by keyboard.

PAGES_ALBUM=folder keeps a picture of each page, wide and narrow, by day and by night.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")
REPO, HOME = "/repos/alice/sample", "/alice/sample"


class Seen(HTMLParser):
    """What a page holds: links, headings, ids, fields and the forms around them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.unproven: list[str] = []
        self.unnamed: list[str] = []
        self._form: str | None = None
        self._labels = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self._labels += tag == "label"
        if tag == "form" and found.get("method") == "post":
            self._form = found.get("action", "(here)")
        if tag == "input" and found.get("name") == "csrf" and found.get("value"):
            self._form = None
        named = "aria-label" in found or self._labels or found.get("type") in ("hidden", "submit")
        if tag in ("input", "select", "textarea") and not named:
            self.unnamed.append(str(found))

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"
        if tag == "form" and self._form is not None:
            self.unproven.append(self._form)
            self._form = None


def shape(path: str) -> str:
    """What kind of page an address is: numbers, SHAs and the words of queries are all one."""
    parts = urlsplit(path)
    whole = re.sub(r"[0-9a-f]{40}|\d+", "N", parts.path)
    whole = re.sub(r"/(tree|blob|raw|commits|edit|new|compare)/.*", r"/\1/…", whole)
    keys = sorted({pair.split("=")[0] for pair in parts.query.split("&")})
    return f"{whole}?{'&'.join(keys)}" if parts.query else whole


def crawl(client: httpx.Client, most: int) -> dict[str, tuple[httpx.Response, str]]:
    """Every page that links lead to from the front page, at most so many of a shape: answer and where it was linked."""
    found: dict[str, tuple[httpx.Response, str]] = {}
    shapes: dict[str, int] = {}
    todo = [("/", "")]
    while todo:
        path, source = todo.pop()
        kind = shape(path)
        if path in found or shapes.get(kind, 0) >= most:
            continue
        shapes[kind] = shapes.get(kind, 0) + 1
        answer = client.get(path)
        found[path] = (answer, source)
        if answer.headers.get("content-type", "").startswith("text/html"):
            for link in Seen(answer.text).links:
                whole = urlsplit(urljoin(str(answer.url), link))
                if whole.netloc == urlsplit(str(answer.url)).netloc:
                    todo.append((whole.path + (f"?{whole.query}" if whole.query else ""), path))
    return found


@pytest.mark.parametrize("login", ["alice", "carol", None])
def test_every_link_leads_somewhere(full: Any, login: str | None) -> None:
    """And every page is well made: one first heading, no level left out, no id twice, proven forms, named fields."""
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=full.url, headers=headers, follow_redirects=True, timeout=30, trust_env=False) as client:
        if login:
            client.post("/login", data={"login": login})
        pages = crawl(client, 12 if login == "alice" else 4)
    broken = {
        path: (answer.status_code, source) for path, (answer, source) in pages.items() if answer.status_code != 200
    }
    if login is None:  # what asks for a person leads to the choice of one
        broken = {path: told for path, told in broken.items() if told[0] != 401}
    assert broken == {}
    assert len(pages) > {"alice": 180, "carol": 70, None: 5}[login]
    for path, (answer, _) in pages.items():
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        seen = Seen(answer.text)
        assert seen.headings.count(1) == 1, path
        assert seen.headings[0] == 1, path
        assert all(after <= before + 1 for before, after in zip(seen.headings, seen.headings[1:], strict=False)), path
        assert len(seen.ids) == len(set(seen.ids)), path
        assert seen.unnamed == [], path
        if login:  # a manifest is posted to us by other sites: what is shown then is asked again
            assert seen.unproven == ["/settings/apps/new"] * (path == "/settings/apps/new"), path
        assert "<script>alert" not in answer.text, path


SIGHT = """() => {
  const problems = [];
  const linear = (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => 0.2126 * linear(rgb[0] / 255) + 0.7152 * linear(rgb[1] / 255) + 0.0722 * linear(rgb[2] / 255);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const cache = {};
  const rgba = (color) => {
    if (!(color in cache)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      cache[color] = [r, g, b, a / 255];
    }
    return cache[color];
  };
  const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let each = node; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3]) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), rgba(getComputedStyle(document.body).backgroundColor));
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || seen.has(node)) continue;
    seen.add(node);
    if (seen.size > 1500) break;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || node.closest("[disabled], .hidden, script, svg, option")) continue;
    const style = getComputedStyle(node), back = behind(node), front = over(rgba(style.color), back);
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) problems.push(`${ratio.toFixed(2)} "${text.data.trim().slice(0, 30)}" ${node.tagName}.${node.className}`);
  }
  return problems;
}"""
SHAPE = """() => {
  const problems = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1
      && !each.closest(".scroll, pre, table, .hidden, .skip"));
    problems.push(`${document.documentElement.scrollWidth} px wide: ${wide.slice(0, 3).map((each) => each.tagName + "." + each.className)}`);
  }
  for (const each of document.querySelectorAll("[tabindex]")) if (each.tabIndex > 0) problems.push("a tab order of its own");
  for (const each of document.querySelectorAll("a[href], button, summary")) {
    const words = each.innerText + (each.getAttribute("aria-label") || "") + [...each.querySelectorAll("[aria-label], [alt], .hidden")].map((one) => (one.getAttribute("aria-label") || one.alt || one.textContent)).join("");
    if (!words.trim() && each.checkVisibility()) problems.push(`nothing said of ${each.outerHTML.slice(0, 80)}`);
  }
  for (const each of document.querySelectorAll("a:not([href]), .markdown [style], .markdown form, .markdown script, .markdown iframe, .markdown button:not(.tick), .markdown [onerror], .markdown [onload], .markdown [class*=button]"))
    if (!(each.tagName === "A" && each.closest(".markdown"))) problems.push(`foreign: ${each.outerHTML.slice(0, 80)}`);
  for (const each of document.links) if (/^(javascript|data|vbscript):/i.test(each.href)) problems.push(each.href);
  return problems;
}"""
FOCUS = """() => {
  const each = document.activeElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [each.tagName, drawn, box.width > 0, each.matches("body"), [...document.querySelectorAll("*")].indexOf(each)];
}"""


@pytest.fixture
def page(full: Any, browser: Browser) -> Iterator[Page]:
    """A tab of alice's; whatever the browser complains of fails the test."""
    context = browser.new_context(base_url=full.url, viewport={"width": 400, "height": 900})
    context.set_default_timeout(20_000)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    tab.goto("/login")
    tab.locator("button[value=alice]").click()
    yield tab
    context.close()
    assert complaints == []


def addresses(hub: Any) -> list[str]:
    """One page of each kind, and the odd ones."""
    value = hub.hub.db.value
    pull = value("SELECT MIN(number) FROM pulls")
    sha = value("SELECT head_sha FROM pulls WHERE number = ?", pull)
    run, delivery, check = (
        value(f"SELECT MAX(id) FROM {table}") for table in ("workflow_runs", "deliveries WHERE app_id", "check_runs")
    )
    job = value("SELECT MIN(id) FROM workflow_jobs WHERE run_id = ?", run)
    hook, failed = value("SELECT MAX(id) FROM hooks"), value("SELECT MAX(id) FROM deliveries WHERE hook_id")
    own = [
        "", "/tree/topic/src", "/blob/topic/mod.py", "/blob/main/blob.bin", "/blob/main/docs/logo.png", "/branches",
        "/blob/main/README.md?plain=1", "/blob/main/one-line.min.js", "/blob/main/link", "/tags", "/commits/topic",
        f"/commit/{sha}", "/compare/main...topic", "/compare", "/issues", "/issues?q=is:closed+nothing", "/pulls", "/labels",
        "/milestones", "/milestone/1", "/issues/new?parent=1", "/issues/1", "/issues/2", "/issues/5", "/issues/7",
        f"/pull/{pull}", f"/pull/{pull}/commits", f"/pull/{pull}/checks", f"/pull/{pull}/files", f"/pull/{pull + 1}",
        f"/pull/{pull}/files?path=new+file.txt&side=RIGHT&line=1", f"/pull/{pull + 2}", f"/pull/{pull + 3}",
        "/actions", "/actions/workflows/ci.yml", f"/actions/runs/{run}", f"/actions/runs/{run}/job/{job}", f"/runs/{check}",
        "/settings", "/settings/access", "/settings/branches", "/settings/branch?name=main", "/settings/hooks",
        f"/settings/hooks/{hook}", f"/settings/hooks/{hook}/deliveries/{failed}", "/settings/installations", "/new/main", "/edit/main/mod.py",
    ]  # fmt: skip
    others = [
        "/", "/login", "/new", "/search?q=part", "/alice", "/alice/other", "/notifications?all=1", "/settings/apps",
        "/settings/apps/new", "/settings/apps/branchwork", "/settings/apps/branchwork/advanced", "/apps/branchwork",
        f"/settings/apps/branchwork/deliveries/{delivery}", "/apps/branchwork/installations/new",
        f"/settings/installations/{hub.installation_id}",
    ]  # fmt: skip
    return [f"{HOME}{path}" for path in own] + others


def problems_of(tab: Page) -> list[str]:
    """In both themes, and on a telephone; and with every menu open."""
    found: list[str] = []
    for opened in (False, True):
        if opened:
            tab.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
        found += tab.evaluate(SHAPE)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme}: {each}" for each in tab.evaluate(SIGHT)]
    return found


def picture(tab: Page, address: str) -> None:
    """For people to look at, when PAGES_ALBUM says where."""
    folder = os.environ.get("PAGES_ALBUM")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", re.sub(r"[0-9a-f]{40}", "sha", address)).strip("-") or "front"
    tab.reload()
    for width in (1280, 400):
        tab.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            tab.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)


@pytest.mark.browser
def test_every_page_fits_a_telephone_and_can_be_read(full: Any, page: Page) -> None:
    wrong: list[str] = []
    for address in addresses(full):
        answer = page.goto(address, wait_until="load")
        assert answer is not None
        assert answer.status == 200, address
        wrong += [f"{address}: {each}" for each in problems_of(page)[:6]]
        picture(page, address)
    assert not wrong, "\n".join(wrong)


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/issues/1", "/issues", "/settings/branch?name=main"])
def test_everything_is_reached_by_keyboard_and_seen_when_it_is(full: Any, page: Page, path: str) -> None:
    page.goto(f"{HOME}{path}")
    page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
    page.evaluate("document.activeElement.blur()")
    wanted = page.evaluate(
        """[...document.querySelectorAll("a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary")]
           .filter((each) => each.checkVisibility() && !(each.type === "radio" && !each.checked)).length"""
    )
    reached: list[int] = []
    for _ in range(wanted + 60):
        page.keyboard.press("Tab")
        tag, outlined, wide, gone, index = page.evaluate(FOCUS)
        if gone or index in reached:
            break
        reached.append(index)
        assert outlined, f"no outline on a {tag}"
        assert wide, tag
    assert len(reached) >= wanted
    assert reached == sorted(reached), "the order of the keyboard is not that of the page"
