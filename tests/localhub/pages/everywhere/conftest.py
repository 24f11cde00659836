"""A hub with some of everything: odd files, a tree of issues, pull requests in every state, runs, checks, webhooks."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

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
    ok(alice.post(f"{REPO}/hooks", json={"config": {"url": "http://127.0.0.1:9/nobody/listens"}, "events": ["label"]}))


@pytest.fixture(scope="module")
def full(kept_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A hub with some of everything."""
    kept_hub.admin("/limits", {"enforced": False})
    push(kept_hub, tmp_path_factory.mktemp("work") / "clone")
    talk(kept_hub)
    propose(kept_hub)
    kept_hub.settle()
    return kept_hub
