"""What happened to an issue or pull request, in order, as pages tell it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from localhub import reviewthreads, story
from localhub.gitcore import Commit
from localhub.pages import shapes
from localhub.pages.code import DiffLine, diff
from localhub.pages.repository import told

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub
    from localhub.pages.talk import Talk

HUNK_LINES = 8
FIRST, LAST = 40, 60  # items shown of a long conversation
_SILENT = {"reviewed", "mentioned", "subscribed", "unsubscribed"}
_WORDS = {
    "closed": "closed this",
    "reopened": "reopened this",
    "merged": "merged this",
    "ready_for_review": "marked this as ready for review",
    "convert_to_draft": "turned this into a draft",
    "locked": "locked the conversation",
    "unlocked": "unlocked the conversation",
    "base_ref_changed": "changed the base branch",
    "head_ref_deleted": "deleted the branch",
    "head_ref_restored": "restored the branch",
    "referenced": "mentioned this in a commit:",
    "pinned": "pinned this",
    "unpinned": "unpinned this",
    "connected": "made a branch for this",
    "head_ref_force_pushed": "force-pushed the branch",
    "review_dismissed": "dismissed a review",
    "auto_merge_enabled": "turned auto-merge on",
    "auto_merge_disabled": "turned auto-merge off",
}
_OTHERS = {
    "cross-referenced": ("mentioned this in", "source"),
    "sub_issue_added": ("added the sub-issue", "sub_issue_id"),
    "sub_issue_removed": ("removed the sub-issue", "sub_issue_id"),
    "parent_issue_added": ("made this part of", "parent_issue_id"),
    "parent_issue_removed": ("took this out of", "parent_issue_id"),
    "blocked_by_added": ("marked this as blocked by", "blocked_by_id"),
    "blocked_by_removed": ("unmarked this as blocked by", "blocked_by_id"),
    "blocking_added": ("marked this as blocking", "blocking_id"),
    "blocking_removed": ("unmarked this as blocking", "blocking_id"),
}
_GATHERED = {
    "labeled": "added the label ", "unlabeled": "removed the label ", "assigned": "assigned ",
    "unassigned": "unassigned ", "review_requested": "asked for a review by ",
    **{event: f"{words} " for event, (words, _) in _OTHERS.items()},
}  # fmt: skip
_PEOPLE = {
    "assigned": ("assigned", "assignee_id"),
    "unassigned": ("unassigned", "assignee_id"),
    "review_requested": ("asked for a review by", "requested_reviewer_id"),
    "review_request_removed": ("no longer asks for a review by", "requested_reviewer_id"),
}


@dataclass
class Item:
    """kind: comment, event, review, commits or hidden; `words` is an event's sentence, `threads` are a review's."""

    kind: str
    at: str
    by: int | None
    row: Row | None = None
    words: Markup | str = ""
    icon: str = "dot"
    threads: list[Thread] = field(default_factory=list)
    also: list[Markup | str] = field(default_factory=list)
    """the same done once more by the same person: what it was done to"""
    commits: list[dict[str, Any]] = field(default_factory=list)
    """one after the other by one person, oldest first"""
    hidden: int = 0
    """of kind hidden: how many items are left out here"""


@dataclass
class Thread:
    """A conversation about a line: its comments, the end of the hunk that it is about, its lines of the new file."""

    row: Row
    comments: list[Row]
    hunk: list[DiffLine]
    about: list[str]

    @property
    def last(self) -> int:
        """The last line that it is about, on its side, as the files have it now."""
        return int(self.comments[0]["line"] or 0)

    @property
    def where(self) -> str:
        """`12`, `8–12`, or nothing for a whole file."""
        first = self.comments[0]
        if first["subject_type"] == "file":
            return ""
        line, start = first["line"] or first["original_line"], first["start_line"] or first["original_start_line"]
        return f"{start}–{line}" if start else str(line)

    @property
    def outdated(self) -> bool:
        first = self.comments[0]
        return first["subject_type"] == "line" and first["line"] is None


def items(hub: Hub, talk: Talk, issue: Row, pull: Row | None = None) -> list[Item]:
    """Comments, events and (of a pull request) commits and reviews with their threads, oldest first."""
    found: list[Item] = []
    alone = {} if pull is None else _reviews(hub, pull, talk.actor.account_id)
    comments = {row["id"]: row for row in hub.db.rows("SELECT * FROM comments WHERE issue_id = ?", issue["id"])}
    for row in story.of(hub, talk.actor, issue):
        if isinstance(row, Commit):
            commit = told(hub, talk.repo, row)
            found.append(Item("commits", commit["at"], commit["account"], commits=[commit]))
            continue
        data = json.loads(row["data"])
        if row["event"] == "reviewed" and data.get("review_id") in alone:
            found.append(alone.pop(data["review_id"]))
        if row["event"] in _SILENT:
            continue
        if row["event"] == "commented":
            comment = comments.get(data["comment_id"])
            if comment is not None:
                found.append(Item("comment", row["created_at"], comment["author_id"], comment))
        else:
            if row["event"] == "closed" and pull is not None and pull["merged"]:
                continue  # "merged" has told it
            words = _words(hub, talk, row, data)
            found.append(Item("event", row["created_at"], row["actor_id"], row, words, _icon(row["event"], data)))
    found += alone.values()  # comments on lines outside of a review: the timeline does not have them
    found.sort(key=lambda item: item.at)  # stable: what happened within one second keeps its order
    return _gathered(found)


def _gathered(items: list[Item]) -> list[Item]:
    """Labels, people and relations that one person set one after the other as one line; commits too."""
    found: list[Item] = []
    for item in items:
        last = found[-1] if found else None
        if last is not None and last.kind == item.kind == "commits" and _author(last) == _author(item):
            last.commits += item.commits
            last.at = item.at
            continue
        if (
            last is not None and last.kind == item.kind == "event" and item.row is not None and last.row is not None
            and item.by == last.by and item.row["event"] == last.row["event"] in _GATHERED
        ):  # fmt: skip
            lead = _GATHERED[item.row["event"]]
            last.also.append(Markup(str(item.words).removeprefix(lead)))  # noqa: S704 (our own words)
        else:
            found.append(item)
    return found


def _author(item: Item) -> tuple[int | None, str]:
    return item.by, "" if item.by else item.commits[0]["name"]


def window(items: list[Item], *, whole: bool = False) -> list[Item]:
    """The beginning and the end of a long conversation: a page of 300 comments takes a second to make."""
    hidden = len(items) - FIRST - LAST
    if whole or hidden < LAST // 2:
        return items
    gap = Item("hidden", items[FIRST].at, None, hidden=hidden)
    return [*items[:FIRST], gap, *items[-LAST:]]


def threads(hub: Hub, pull: Row, viewer: int = 0) -> list[Thread]:
    """Every thread of a pull request that the viewer sees: of pending reviews only their own."""
    found = []
    for row in reviewthreads.threads(hub, pull["id"], viewer):
        comments = reviewthreads.comments(hub, row["id"], viewer)
        if comments:
            hunk = diff(comments[0]["diff_hunk"])
            found.append(Thread(row, comments, hunk[-HUNK_LINES:], _about(comments[0], hunk)))
    return found


def _about(comment: Row, hunk: list[DiffLine]) -> list[str]:
    last = comment["original_line"]
    if comment["side"] != "RIGHT" or last is None:
        return []
    first = comment["original_start_line"] or last
    return [line.text for line in hunk if line.new is not None and first <= line.new <= last]


def _reviews(hub: Hub, pull: Row, viewer: int) -> dict[int, Item]:
    """By id, reviews that decided or said something, each with the threads it began; replies are in their threads."""
    begun: dict[int, list[Thread]] = {}
    for thread in threads(hub, pull, viewer):
        begun.setdefault(thread.comments[0]["review_id"], []).append(thread)
    shown = {}
    for row in hub.db.rows("SELECT * FROM reviews WHERE pull_id = ? AND state <> 'PENDING' ORDER BY id", pull["id"]):
        own = begun.get(row["id"], [])
        if own or row["body"] or row["state"] != "COMMENTED":
            at = row["submitted_at"] or row["created_at"]
            shown[row["id"]] = Item("review", at, row["user_id"], row, threads=own)
    return shown


def _icon(event: str, data: dict[str, Any]) -> str:
    if event == "closed":
        return "skipped" if data.get("state_reason") in ("not_planned", "duplicate") else "closed"
    return {"merged": "pull-merged", "reopened": "open", "convert_to_draft": "pull-draft"}.get(event, "dot")


def _words(hub: Hub, talk: Talk, row: Row, data: dict[str, Any]) -> Markup:
    event = row["event"]
    if event in ("labeled", "unlabeled"):
        verb = "added" if event == "labeled" else "removed"
        return Markup("{} the label {}").format(verb, _label(data["label"]))
    if event == "renamed":
        return Markup("changed the title from <del>{}</del> to <ins>{}</ins>").format(
            data["rename"]["from"], data["rename"]["to"]
        )
    if event in _OTHERS:
        words, key = _OTHERS[event]
        return Markup("{} {}").format(words, talk.issue_link(data.get(key)))
    if event in _PEOPLE:
        words, key = _PEOPLE[event]
        return Markup("{} <b>{}</b>").format(words, shapes.person(hub, data.get(key))["login"])
    if event in ("milestoned", "demilestoned"):
        verb = "added this to" if event == "milestoned" else "took this out of"
        return Markup("{} the milestone <b>{}</b>").format(verb, data["milestone"]["title"])
    words = escape(_WORDS.get(event, event.replace("_", " ")))
    if event == "closed" and data.get("state_reason") in ("not_planned", "duplicate"):
        words += f" as {data['state_reason'].replace('_', ' ')}"
    sha = data.get("commit_id")
    if sha:
        words += (Markup(" ") if event == "referenced" else Markup(" in ")) + talk.commit_link(str(sha))
    dismissal = (data.get("dismissed_review") or {}).get("dismissal_message")
    return words + (Markup(": {}").format(dismissal) if dismissal else Markup(""))


def _label(label: dict[str, Any]) -> Markup:
    color = label["color"]
    style = f"background:#{color};color:{shapes.ink(color)}"
    return Markup('<span class="label" style="{}">{}</span>').format(style, label["name"])
