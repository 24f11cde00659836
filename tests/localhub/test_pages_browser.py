"""A person at work in Debian's Chromium: ticking, reviewing, merging on a telephone by night; pages that stay fresh."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
REPO = "/repos/alice/sample"
HOME = "/alice/sample"
TEXT = (
    "def one():\n    return 1\n\n\ndef two():\n    return "
    + "'a very long line that has to fit a telephone' + " * 4
    + "'end'\n"
)
PLAN = """Please approve this plan, @bob: tick the box at the end.

| part | files |
| --- | --- |
| text | `a/very/long/path/that/does/not/fit/on/a/telephone/at/all/really_not.py` |

```mermaid
graph LR
  n0["Add two"]
  n1["Change one"]
  n0 --> n1
```

```python
def one() -> int:
    return 1  # a comment that is rather long, so that it runs over the edge of the telephone's screen
```

- [ ] Approve this plan (`57798f7ee2383d43`)
"""


Open = Callable[..., Page]


@pytest.fixture
def visit(hub: Any, browser: Browser) -> Iterator[Open]:
    """A page on which one acts as a user; what a script or the browser complains of fails the test."""
    contexts = []
    complaints: list[str] = []

    def open_(login: str, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Page:
        context = browser.new_context(
            base_url=hub.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/login")
        page.locator(f"button[value={login}]").click()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def album() -> Path | None:
    """Where screenshots go, when PAGES_ALBUM says so."""
    folder = os.environ.get("PAGES_ALBUM")
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def look(page: Page, album: Path | None, name: str) -> None:
    """A screenshot; nothing may reach over the window's edge."""
    size = page.viewport_size
    assert size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], f"{name}: {width} px wide in {size['width']}"
    if album is None:
        return
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.screenshot(path=album / f"{name}-{size['width']}-{'dark' if dark else 'light'}.png", full_page=True)


def tree(hub: Any) -> int:
    """A small tree of issues with a plan to approve; the root's number."""
    bot = hub.bot()
    made = [
        bot.post(f"{REPO}/issues", json={"title": title, "body": "Two tools are missing.\n\n- `one`\n- `two`"}).json()
        for title in ("Make it a real toolbox", "Bring text: 11 files in 5 tasks", "Add two", "Change one")
    ]
    root, planner, two, one = made
    for parent, child in ((root, planner), (planner, two), (planner, one)):
        added = bot.post(f"{REPO}/issues/{parent['number']}/sub_issues", json={"sub_issue_id": child["id"]})
        assert added.status_code == 201
    bot.post(f"{REPO}/issues/{one['number']}/dependencies/blocked_by", json={"issue_id": two["id"]})
    bot.post(f"{REPO}/labels", json={"name": "branchwork:running", "color": "bfd4f2"})
    bot.post(f"{REPO}/issues/{root['number']}/labels", json={"labels": ["branchwork:running"]})
    bot.post(f"{REPO}/issues/{root['number']}/comments", json={"body": PLAN})
    return int(root["number"])


def propose(hub: Any, closes: int | None = None, **more: Any) -> int:
    """The bot's pull request with one new file; its number."""
    bot = hub.bot()
    sha = bot.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    bot.post(f"{REPO}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
    content = base64.b64encode(TEXT.encode()).decode()
    body = {"message": "Add one and two", "content": content, "branch": "topic"}
    put = bot.put(f"{REPO}/contents/inkwell/tools.py", json=body)
    assert put.status_code == 201, put.text
    words = "Proven: ready for a review." + (f"\n\nCloses #{closes}" if closes else "")
    pull = bot.post(
        f"{REPO}/pulls", json={"title": "Add tools", "head": "topic", "base": "main", "body": words, **more}
    )
    assert pull.status_code == 201, pull.text
    head = pull.json()["head"]["sha"]
    note = {"path": "inkwell/tools.py", "start_line": 2, "end_line": 2, "annotation_level": "warning", "message": "hm"}
    output = {"title": "6 tests passed", "summary": "All **good**.", "annotations": [note]}
    run = {"name": "tests", "head_sha": head, "conclusion": "success", "output": output}
    assert bot.post(f"{REPO}/check-runs", json=run).status_code == 201
    hub.settle()
    return int(pull.json()["number"])


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark")])
def test_a_person_approves_reviews_and_merges(
    hub: Any, visit: Open, album: Path | None, validate_hook: Any, width: int, scheme: str
) -> None:
    root = tree(hub)
    number = propose(hub, closes=root)
    page = visit("bob", width, scheme)
    look(page, album, "front")
    page.get_by_role("link", name="alice/sample", exact=True).click()
    look(page, album, "repository")
    page.get_by_role("navigation", name="Repository").get_by_role("link", name="Issues").click()
    look(page, album, "issues")

    page.get_by_role("link", name="Make it a real toolbox").click()
    expect(page.get_by_role("region", name="Sub-issues")).to_contain_text("blocked by #3")
    look(page, album, "issue")
    box = page.get_by_role("checkbox", name="Approve this plan")
    assert box.get_attribute("aria-checked") == "false"
    box.click()
    expect(page.get_by_role("checkbox", name="Approve this plan")).to_have_attribute("aria-checked", "true")
    hub.settle()
    edited = validate_hook(hub.hooks.delivery("issue_comment", "edited"))
    assert "- [x] Approve this plan" in edited["comment"]["body"]
    assert edited["sender"]["login"] == "bob"
    page.get_by_label("Comment as bob").fill("@branchwork no banners, *please*")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("article").last).to_contain_text("no banners, please")
    hub.settle()
    assert validate_hook(hub.hooks.delivery("issue_comment", "created"))["comment"]["user"]["login"] == "bob"

    page.goto(f"{HOME}/pull/{number}")
    look(page, album, "pull")
    page.get_by_role("link", name="Files changed").click()
    page.get_by_role("link", name="Comment on line 6").click()
    look(page, album, "line")
    page.get_by_label("On line 6 as bob").fill("Too long: split it.")
    page.get_by_role("button", name="Start a review").click()
    page.get_by_role("button", name="Request changes").click()
    hub.settle()
    said = validate_hook(hub.hooks.delivery("pull_request_review_comment", "created"))["comment"]
    assert (said["path"], said["line"], said["body"]) == ("inkwell/tools.py", 6, "Too long: split it.")
    assert (
        validate_hook(hub.hooks.delivery("pull_request_review", "submitted"))["review"]["state"] == "changes_requested"
    )
    page.get_by_role("link", name="Files changed").click()
    expect(page.locator(".thread")).to_contain_text("Too long: split it.")
    look(page, album, "reviewed")
    page.get_by_label("Answer in this thread").fill("Done.")
    page.get_by_role("button", name="Resolve conversation").click()
    expect(page.locator(".thread")).to_contain_text("resolved by bob")
    hub.settle()
    validate_hook(hub.hooks.delivery("pull_request_review_thread", "resolved"))
    page.get_by_role("link", name="Checks").click()
    expect(page.locator("main")).to_contain_text("6 tests passed")
    look(page, album, "checks")
    page.get_by_role("link", name="Commits").click()
    look(page, album, "commits")
    page.get_by_role("link", name="Files changed").click()
    look(page, album, "files")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("region", name="Checks and merging")).to_be_visible()
    page.get_by_role("button", name="Merge pull request").click()
    expect(page.locator(".state")).to_contain_text("Merged")
    look(page, album, "merged")
    hub.settle()
    assert validate_hook(hub.hooks.delivery("pull_request", "closed"))["pull_request"]["merged_by"]["login"] == "bob"
    page.goto(f"{HOME}/issues/{root}")
    expect(page.locator(".state")).to_contain_text("Closed")
    look(page, album, "closed")


def test_all_of_it_works_without_scripts_and_by_keyboard(hub: Any, visit: Open) -> None:
    root = tree(hub)
    page = visit("bob", scripts=False)
    page.goto(f"{HOME}/issues/{root}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.locator("button.tick:focus").count():
            break
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Approve this plan")).to_have_attribute("aria-checked", "true")
    hub.settle()
    assert hub.hooks.wait("issue_comment", "edited")["sender"]["login"] == "bob"


def test_a_draft_becomes_ready_and_is_closed(hub: Any, visit: Open) -> None:
    number = propose(hub, draft=True)
    page = visit("bob")
    page.goto(f"{HOME}/pull/{number}")
    expect(page.locator(".state")).to_contain_text("Draft")
    page.get_by_role("button", name="Ready for review").click()
    expect(page.locator(".state")).to_contain_text("Open")
    page.get_by_role("button", name="Close pull request").click()
    expect(page.locator(".state")).to_contain_text("Closed")
    hub.settle()
    assert hub.hooks.wait("pull_request", "ready_for_review")["sender"]["login"] == "bob"
    assert hub.hooks.wait("pull_request", "closed")["pull_request"]["merged"] is False


def test_an_open_page_shows_what_is_new_and_keeps_what_is_being_written(hub: Any, visit: Open) -> None:
    root = tree(hub)
    page = visit("bob")
    page.clock.install()
    page.goto(f"{HOME}/issues/{root}")
    hub.client("alice").post(f"{REPO}/issues/{root}/comments", json={"body": "Hello from elsewhere"})
    page.clock.run_for(5_000)
    expect(page.locator("main")).to_contain_text("Hello from elsewhere")
    page.get_by_label("Comment as bob").fill("half a sentence")
    hub.client("alice").post(f"{REPO}/issues/{root}/comments", json={"body": "Second"})
    page.clock.run_for(60_000)
    assert page.get_by_label("Comment as bob").input_value() == "half a sentence"
    expect(page.locator("main")).not_to_contain_text("Second")


def test_a_menu_of_the_tree_leaves_its_title_readable_on_a_telephone(hub: Any, visit: Open) -> None:
    page = visit("bob", width=400)
    page.goto(f"{HOME}/issues/{tree(hub)}")
    title, menu = page.locator(".tree .title").first, page.locator(".tree details.menu").first
    before = title.bounding_box()
    menu.locator("summary").click()
    assert title.bounding_box() == before
    shown = menu.locator("ul").bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= 400


@pytest.mark.parametrize("width", [400, 1280])
def test_choices_stand_beside_their_words(hub: Any, visit: Open, width: int) -> None:
    page = visit("bob", width=width)
    hub.client("bob").post("/user/repos", json={"name": "own"})
    page.goto("/apps/branchwork/installations/new")
    labels = page.locator("main label").all()
    assert len(labels) >= 3
    for label in labels:
        box, choice = label.bounding_box(), label.locator("input").bounding_box()
        assert box is not None
        assert choice is not None
        assert box["height"] < 60, label.inner_text()
        assert choice["width"] < 30, label.inner_text()
