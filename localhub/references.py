"""Mentions of issues in texts: `#12`, `owner/repo#3`, links. They leave a trace in the mentioned issue's timeline."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from localhub.context import current_actor
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.events import Event
    from localhub.hub import Hub

_MENTION = re.compile(
    r"(?<![\w/#&])(?:(?P<repo>[\w.-]+/[\w.-]+)?#|GH-)(?P<number>\d+)\b"
    r"|https?://[^\s/]+/(?P<url_repo>[\w.-]+/[\w.-]+)/(?:issues|pull)/(?P<url_number>\d+)\b"
)
_UNREAD = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|<!--.*?(?:-->|\Z)", re.DOTALL)
MENTIONS = 50  # of one text; a text that names more is a list


def listen(hub: Hub) -> None:
    """Follow what is written, wherever it is written."""
    for name in ("issues", "pull_request", "issue_comment"):
        hub.on(name, lambda event: _written(hub, event))
    hub.on("push", lambda event: _pushed(hub, event))


def mentioned(hub: Hub, repo: Row, text: str | None) -> list[Row]:
    """The issues and pull requests that a text of this repository names."""
    found: dict[int, Row] = {}
    for match in _MENTION.finditer(_UNREAD.sub(" ", text or "")):
        full_name = match["repo"] or match["url_repo"] or f"{repo['owner_login']}/{repo['name']}"
        owner, _, name = full_name.partition("/")
        home = hub.access.repo_row(owner, name)
        number = int(match["number"] or match["url_number"])
        if home is None or number >= 2**63:
            continue
        row = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", home["id"], number)
        if row is not None:
            found[row["id"]] = row
        if len(found) >= MENTIONS:
            break
    return list(found.values())


def _may_mention(text: str) -> bool:
    return "#" in text or "://" in text or "GH-" in text


def _written(hub: Hub, event: Event) -> None:
    """A cross-reference: once from each issue to each other, when who writes may see what they name."""
    if event.wrote is None or event.repo is None:
        return
    text, source = event.wrote.text or "", event.wrote.issue_id
    if not _may_mention(text):
        return
    repo = hub.access.repo_by_id(event.repo)
    for row in mentioned(hub, repo, text):
        home = repo if row["repo_id"] == repo["id"] else hub.access.repo_by_id(row["repo_id"])
        known = "SELECT 1 FROM issue_events WHERE issue_id = ? AND event = 'cross-referenced' AND data ->> 'source' = ?"
        if row["id"] != source and _may_see(hub, home, event.sender) and not hub.db.value(known, row["id"], source):
            record(hub, row["repo_id"], row["id"], "cross-referenced", event.sender, source=source)


def _pushed(hub: Hub, event: Event) -> None:
    """Commits that name an issue are referenced in it, once each."""
    if event.repo is None or event.pushed is None:
        return
    repo = hub.access.repo_by_id(event.repo)
    for commit in event.pushed.commits:
        if not _may_mention(commit.message):
            continue
        for row in mentioned(hub, repo, commit.message):
            known = "SELECT data FROM issue_events WHERE issue_id = ? AND event = 'referenced'"
            told = [json.loads(each["data"])["commit_id"] for each in hub.db.rows(known, row["id"])]
            home = repo if row["repo_id"] == repo["id"] else hub.access.repo_by_id(row["repo_id"])
            if commit.sha not in told and _may_see(hub, home, event.sender):
                record(
                    hub, row["repo_id"], row["id"], "referenced", event.sender, commit_id=commit.sha, _repo=repo["id"]
                )


def _may_see(hub: Hub, repo: Row, account_id: int) -> bool:
    actor = current_actor()
    if actor.account_id == account_id:
        return hub.access.sees(actor, repo)
    return not repo["private"] or hub.access.role(repo, account_id) != "none"
