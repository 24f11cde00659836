"""Every page of a hub that has some of everything: links lead somewhere, forms are ours, headings are in order, it fits a
telephone, it can be read in both themes and is reached by keyboard.

PAGES_ALBUM=folder keeps a picture of each page, wide and narrow, by day and by night.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
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
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WILD = (
    """<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)><a href="javascript:alert(1)">click</a>
[js](javascript:alert(1)) [data](data:text/html,x) ![shot](https://tracker.example/x.png)
<style>body{display:none}</style><form action="/logout" method="post"><button>Log out</button></form>
<p id="main" class="button primary" style="position:fixed;inset:0">cover</p> 日本語 العربية 👩‍👩‍👧 z̷̪̈a̴

"""
    + "Donaudampfschifffahrtsgesellschaftskapitän" * 9
    + "\n\n# Heading\n\n| one | two |\n| --- | --: |\n| "
    + "wide`cell`" * 20
    + " | 1 |\n\n1. [ ] first\n   - [x] nested\n\n> quoted ~~gone~~ **bold** `code`\n\nhttps://example.org/a_(b), @bob, #1.\n"
)
SOURCE = '"""A module."""\n\n\ndef greet(name: str) -> str:\n    # said\n    return f"Hello, {name}!"\n'
WORKFLOW = """name: CI
on: {push: {branches: [topic]}, workflow_dispatch: {inputs: {who: {description: Whom, required: true, default: you}}}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{name: Look, run: "echo hello; echo '::warning file=README.md,line=1::Mind'; exit 1"}]
"""


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def git(folder: Path, *args: str) -> None:
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
           for key, value in (("NAME", "Alice"), ("EMAIL", "alice@example.org"))}  # fmt: skip
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(["git", *args], cwd=folder, env=env, check=True, capture_output=True)


def write(folder: Path, files: dict[str, str | bytes], message: str) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


def push(hub: Any, folder: Path) -> None:
    """Branches and tags: large, binary, odd and empty files, a long line, a link; a rename, a conflict, a dead branch."""
    git(folder.parent, "clone", "-q", hub.git_url("alice/sample", hub.pat("alice"), "alice"), folder.name)
    links = "![logo](docs/logo.png) [guide](docs/guide.md) [part](#usage) [out](../../../etc)\n\n"
    (folder / "link").symlink_to("README.md")
    write(folder, {
        "README.md": f"# Sample\n\n{links}{WILD}\n## Usage\n\n```python\nx = 1  # {'long ' * 60}\n```\n",
        "docs/guide.md": "# Guide\n\n[back](../README.md)\n", "docs/logo.png": PICTURE, "empty.txt": "",
        "big.txt": "".join(f"{n:06d} the quick brown fox jumps over the lazy dog\n" for n in range(22_000)),
        "blob.bin": bytes(range(256)) * 9, "one-line.min.js": "var a=1;" * 2_000, "mod.py": SOURCE, "crlf.txt": "a\r\n",
        "src/ünï cödé/日本 語 #1?.txt": "text\n", f"src/{'b' * 120}.py": SOURCE, ".github/workflows/ci.yml": WORKFLOW,
    }, "Bring many files\n\nWith a body that explains #1.")  # fmt: skip
    git(folder, "tag", "-am", "First *release*", "v1.0")
    for branch, files in {
        "topic": {"mod.py": SOURCE.replace("# said", "# " + "said " * 60), "new file.txt": "one\ntwo\n", "blob.bin": b"\0"},
        "a/b.c": {"ab.txt": "x\n"}, "gone": {"gone.txt": "x\n"}, "clash": {"mod.py": "no\n"},
    }.items():  # fmt: skip
        git(folder, "checkout", "-q", "-b", branch, "main")
        if branch == "topic":
            git(folder, "mv", "crlf.txt", "renamed.txt")
        write(folder, files, f"{branch}: change <b>this</b> & that {'x' * 90}")
    git(folder, "push", "-q", "--tags", "origin", "main", "topic", "a/b.c", "gone", "clash")


def talk(hub: Any) -> None:
    """A tree of issues, one wild and one long conversation, a milestone, labels, reactions."""
    alice, bob, bot = hub.client("alice"), hub.client("bob"), hub.bot()
    ok(
        alice.post(
            f"{REPO}/milestones", json={"title": "1.0", "description": "The *first*", "due_on": "2027-01-01T00:00:00Z"}
        )
    )
    for name, color in (("branchwork", "0e8a16"), ("a label: with quite a long name & <b>signs</b>", "fbca04")):
        ok(alice.post(f"{REPO}/labels", json={"name": name, "color": color, "description": "What it means"}))
    more = {"labels": ["branchwork"], "milestone": 1, "assignees": ["bob"]}
    made = [ok(alice.post(f"{REPO}/issues", json={"title": "Make it a toolbox", "body": "Two are missing.", **more}))]
    title = "<script>alert(1)</script> " + "Longtitle" * 20
    made += [ok(bob.post(f"{REPO}/issues", json={"title": title, "body": WILD}))]
    made += [ok(bot.post(f"{REPO}/issues", json={"title": f"Part {n}", "body": "Text"})) for n in range(3, 9)]
    root, _, one, two, three, leaf, long, _ = made
    for parent, child in ((root, one), (root, two), (root, three), (two, leaf)):
        ok(bot.post(f"{REPO}/issues/{parent['number']}/sub_issues", json={"sub_issue_id": child["id"]}))
    ok(bot.post(f"{REPO}/issues/{three['number']}/dependencies/blocked_by", json={"issue_id": two["id"]}))
    ok(alice.patch(f"{REPO}/issues/{one['number']}", json={"state": "closed", "state_reason": "not_planned"}))
    plan = "- [ ] Approve\n\n@bob look\n\n```mermaid\ngraph LR\n a[One] --> b[Two]\n```"
    said = ok(bot.post(f"{REPO}/issues/{root['number']}/comments", json={"body": plan}))
    ok(bob.post(f"{REPO}/issues/comments/{said['id']}/reactions", json={"content": "rocket"}))
    ok(bob.post(f"{REPO}/issues/{root['number']}/comments", json={"body": WILD}))
    for n in range(140):
        ok((alice, bob)[n % 2].post(f"{REPO}/issues/{long['number']}/comments", json={"body": f"Number {n} `x`"}))
    for n in range(26):
        ok(alice.post(f"{REPO}/issues", json={"title": f"Filler {n}"}))


def propose(hub: Any) -> None:
    """Pull requests: blocked with reviews and checks, merged without its branch, conflicting, draft, closed."""
    alice, bob, bot = hub.client("alice"), hub.client("bob"), hub.bot()

    def pull(client: Any, head: str, base: str = "main", **more: Any) -> Any:
        return ok(client.post(f"{REPO}/pulls", json={"title": f"Bring {head}", "head": head, "base": base, **more}))

    first = pull(bot, "topic", body="Closes #4. Part of #1.\n\n- [ ] checked")
    number, sha = first["number"], first["head"]["sha"]
    note = {"path": "mod.py", "start_line": 5, "end_line": 5, "annotation_level": "failure", "message": "too long"}
    for name, more in (
        ("unit", {"conclusion": "success"}),
        ("lint", {"conclusion": "failure"}),
        ("types", {"status": "in_progress"}),
    ):
        output = {"title": f"{name} said", "summary": "**All**", "annotations": [note]}
        ok(bot.post(f"{REPO}/check-runs", json={"name": name, "head_sha": sha, "output": output, **more}))
    ok(
        bot.post(
            f"{REPO}/statuses/{sha}",
            json={"state": "success", "context": "ci/old", "target_url": "https://ci.example/1"},
        )
    )
    lines = [
        {"path": "mod.py", "line": 5, "side": "RIGHT", "body": "Why?"},
        {"path": "new file.txt", "line": 2, "body": "Two?"},
    ]
    ok(
        bob.post(
            f"{REPO}/pulls/{number}/reviews",
            json={"event": "REQUEST_CHANGES", "body": "Not **yet**.", "comments": lines},
        )
    )
    ok(alice.post(f"{REPO}/pulls/{number}/reviews", json={"body": "Begun", "comments": [{**lines[0], "line": 6}]}))
    merged = pull(alice, "gone")["number"]
    hub.settle()
    ok(alice.put(f"{REPO}/pulls/{merged}/merge", json={"merge_method": "squash"}))
    ok(alice.delete(f"{REPO}/git/refs/heads/gone"))
    pull(alice, "clash", "topic", body="")
    closed = pull(bob, "a/b.c", draft=True)["number"]
    ok(bob.patch(f"{REPO}/pulls/{closed}", json={"state": "closed"}))
    pull(bob, "a/b.c", draft=True)
    checks = {"strict": False, "contexts": ["unit", "lint"]}
    rules = {
        "required_status_checks": checks,
        "enforce_admins": True,
        "required_pull_request_reviews": {},
        "restrictions": None,
    }
    ok(alice.put(f"{REPO}/branches/main/protection", json=rules))
    ok(alice.patch(REPO, json={"allow_auto_merge": True, "description": "Some of everything"}))
    ok(
        alice.post(
            f"{REPO}/hooks", json={"config": {"url": hub.hooks.url, "content_type": "json"}, "events": ["issues"]}
        )
    )


@pytest.fixture(scope="module")
def full(kept_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A hub with some of everything."""
    kept_hub.admin("/limits", {"enforced": False})
    push(kept_hub, tmp_path_factory.mktemp("work") / "clone")
    talk(kept_hub)
    propose(kept_hub)
    kept_hub.settle()
    return kept_hub


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
    hook = value("SELECT MAX(id) FROM hooks")
    own = [
        "", "/tree/topic/src", "/blob/topic/mod.py", "/blob/main/blob.bin", "/blob/main/docs/logo.png", "/branches",
        "/blob/main/README.md?plain=1", "/blob/main/one-line.min.js", "/blob/main/link", "/tags", "/commits/topic",
        f"/commit/{sha}", "/compare/main...topic", "/compare", "/issues", "/issues?q=is:closed+nothing", "/pulls", "/labels",
        "/milestones", "/milestone/1", "/issues/new?parent=1", "/issues/1", "/issues/2", "/issues/5", "/issues/7",
        f"/pull/{pull}", f"/pull/{pull}/commits", f"/pull/{pull}/checks", f"/pull/{pull}/files", f"/pull/{pull + 1}",
        f"/pull/{pull}/files?path=new+file.txt&side=RIGHT&line=1", f"/pull/{pull + 2}", f"/pull/{pull + 3}",
        "/actions", "/actions/workflows/ci.yml", f"/actions/runs/{run}", f"/actions/runs/{run}/job/{job}", f"/runs/{check}",
        "/settings", "/settings/access", "/settings/branches", "/settings/branch?name=main", "/settings/hooks",
        f"/settings/hooks/{hook}", "/settings/installations", "/new/main", "/edit/main/mod.py",
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
