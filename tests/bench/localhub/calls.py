"""The calls that localhub and emulate both have, in an order in which each finds what it needs.

Creations come first and build the same world in both servers, reads look at it, merges and deletions end it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

REPO = "/repos/alice/sample"


@dataclass
class World:
    """What is known of one server's repository; `kept` holds the ids that answers gave, by name of the call."""

    head: str = ""
    tree: str = ""
    blob: str = ""
    kept: dict[str, list[Any]] = field(default_factory=dict)
    pulls: int = 1
    issues: int = 1


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Call:
    """`make(world, i)` is the i-th request; `share` of the run's count for writes, reads repeat for a time."""

    name: str
    kind: Literal["read", "write"]
    make: Callable[[World, int], Request]
    status: int = 200
    share: float = 1.0
    keep: str | None = None


def read(name: str, path: str | Callable[[World, int], str]) -> Call:
    if isinstance(path, str):
        fixed = Request("GET", path)
        return Call(name, "read", lambda _world, _i: fixed)
    return Call(name, "read", lambda world, i: Request("GET", path(world, i)))


def write(
    name: str, method: str, path: Callable[[World, int], str], body: Callable[[World, int], Any] | None = None,
    status: int = 201, share: float = 1.0, keep: str | None = None,
) -> Call:  # fmt: skip
    return Call(
        name,
        "write",
        lambda world, i: Request(method, path(world, i), body(world, i) if body else None),
        status,
        share,
        keep,
    )


def _issue(world: World, i: int) -> int:
    """The number of an issue; they are the first ones made, so that pull requests have the numbers after them."""
    return 1 + i % world.issues


def _pull(world: World, i: int) -> int:
    return world.issues + 1 + i % world.pulls


def _text(i: int) -> str:
    return f"What is number {i} about?\n\n" + "A paragraph of some length that says what is wanted and why. " * 6


PULLS = 0.1  # of the run's count: each costs a branch, a commit and a merge

BUILD = [
    write("create label", "POST", lambda w, i: f"{REPO}/labels", lambda w, i: {"name": f"label-{i}", "color": "d73a4a"}, share=0.1),
    write("create milestone", "POST", lambda w, i: f"{REPO}/milestones", lambda w, i: {"title": f"m{i}"}, share=0.05),
    write("create issue", "POST", lambda w, i: f"{REPO}/issues", lambda w, i: {"title": f"Issue {i}", "body": _text(i), "labels": [f"label-{i % 10}"]}),
    write("edit issue", "PATCH", lambda w, i: f"{REPO}/issues/{_issue(w, i)}", lambda w, i: {"title": f"Edited {i}", "body": _text(i + 1)}, 200),
    write("comment", "POST", lambda w, i: f"{REPO}/issues/{_issue(w, i % 40)}/comments", lambda w, i: {"body": _text(i)}, keep="comments"),
    write("edit comment", "PATCH", lambda w, i: f"{REPO}/issues/comments/{w.kept['comments'][i % len(w.kept['comments'])]}", lambda w, i: {"body": _text(i + 7)}, 200, 0.5),
    write("add labels", "POST", lambda w, i: f"{REPO}/issues/{_issue(w, i)}/labels", lambda w, i: {"labels": [f"label-{(i + 1) % 10}"]}, 200, 0.5),
    write("replace labels", "PUT", lambda w, i: f"{REPO}/issues/{_issue(w, i)}/labels", lambda w, i: {"labels": [f"label-{(i + 2) % 10}"]}, 200, 0.3),
    write("assign", "POST", lambda w, i: f"{REPO}/issues/{_issue(w, i)}/assignees", lambda w, i: {"assignees": ["alice"]}, 201, 0.5),
    write("create ref", "POST", lambda w, i: f"{REPO}/git/refs", lambda w, i: {"ref": f"refs/heads/branch-{i}", "sha": w.head}, share=PULLS),
    write("write a file", "PUT", lambda w, i: f"{REPO}/contents/files/{i}.txt", lambda w, i: {
        "message": f"File {i}", "content": base64.b64encode(_text(i).encode()).decode(), "branch": f"branch-{i}"}, share=PULLS),
    write("create blob", "POST", lambda w, i: f"{REPO}/git/blobs", lambda w, i: {"content": _text(i), "encoding": "utf-8"}, share=0.2, keep="blobs"),
    write("create tree", "POST", lambda w, i: f"{REPO}/git/trees", lambda w, i: {
        "base_tree": w.tree, "tree": [{"path": f"t{i}.txt", "mode": "100644", "type": "blob", "sha": w.kept["blobs"][i]}]}, share=0.2, keep="trees"),
    write("create commit", "POST", lambda w, i: f"{REPO}/git/commits", lambda w, i: {
        "message": f"Commit {i}", "tree": w.kept["trees"][i], "parents": [w.head]}, share=0.2, keep="commits"),
    write("create pull request", "POST", lambda w, i: f"{REPO}/pulls", lambda w, i: {
        "title": f"Pull {i}", "head": f"branch-{i}", "base": "main", "body": _text(i)}, share=PULLS),
    write("edit pull request", "PATCH", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}", lambda w, i: {"title": f"Pull, edited {i}"}, 200, PULLS),
    write("review", "POST", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}/reviews", lambda w, i: {"body": "Looks fine.", "event": "COMMENT"}, 200, PULLS),
]  # fmt: skip

READS = [
    read("get user", "/user"),
    read("get repository", REPO),
    read("list issues", f"{REPO}/issues"),
    read("list issues, a label, page 2", f"{REPO}/issues?labels=label-2&per_page=20&page=2"),
    read("get issue", lambda w, i: f"{REPO}/issues/{_issue(w, i)}"),
    read("list comments", lambda w, i: f"{REPO}/issues/{_issue(w, i % 40)}/comments"),
    read("get comment", lambda w, i: f"{REPO}/issues/comments/{w.kept['comments'][i % len(w.kept['comments'])]}"),
    read("timeline", lambda w, i: f"{REPO}/issues/{_issue(w, i % 40)}/timeline"),
    read("issue events", lambda w, i: f"{REPO}/issues/{_issue(w, i)}/events"),
    read("labels of an issue", lambda w, i: f"{REPO}/issues/{_issue(w, i)}/labels"),
    read("list labels", f"{REPO}/labels"),
    read("get label", lambda w, i: f"{REPO}/labels/label-{i % 10}"),
    read("list milestones", f"{REPO}/milestones"),
    read("search issues", "/search/issues?q=repo:alice/sample+is:issue+is:open+number+wanted"),
    read("list branches", f"{REPO}/branches"),
    read("get branch", f"{REPO}/branches/main"),
    read("get ref", f"{REPO}/git/ref/heads/main"),
    read("get contents, a file", f"{REPO}/contents/README.md"),
    read("get contents, a folder", f"{REPO}/contents/"),
    read("list commits", f"{REPO}/commits"),
    read("get commit", f"{REPO}/commits/main"),
    read("git commit", lambda w, i: f"{REPO}/git/commits/{w.head}"),
    read("git tree", lambda w, i: f"{REPO}/git/trees/{w.tree}"),
    read("git blob", lambda w, i: f"{REPO}/git/blobs/{w.blob}"),
    read("compare", lambda w, i: f"{REPO}/compare/main...branch-{i % w.pulls}"),
    read("list pull requests", f"{REPO}/pulls"),
    read("get pull request", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}"),
    read("files of a pull request", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}/files"),
    read("commits of a pull request", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}/commits"),
    read("reviews", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}/reviews"),
    read("check runs of a commit", f"{REPO}/commits/main/check-runs"),
    read("rate limit", "/rate_limit"),
]

END = [
    write("close issue", "PATCH", lambda w, i: f"{REPO}/issues/{_issue(w, i)}", lambda w, i: {"state": "closed"}, 200, 0.5),
    write("delete comment", "DELETE", lambda w, i: f"{REPO}/issues/comments/{w.kept['comments'][i]}", None, 204, 0.3),
    write("merge", "PUT", lambda w, i: f"{REPO}/pulls/{_pull(w, i)}/merge", lambda w, i: {}, 200, PULLS),
    write("delete ref", "DELETE", lambda w, i: f"{REPO}/git/refs/heads/branch-{i}", None, 204, PULLS),
]  # fmt: skip


def mixed(world: World, i: int) -> Call:
    """What a bot does all day: eight reads of five kinds, then an issue or a comment."""
    if i % 10 == 9:
        return BUILD[2] if i % 20 == 9 else BUILD[4]
    return READS[(1, 2, 4, 5, 16, 4, 26, 5, 2)[i % 10]]
