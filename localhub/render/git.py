"""Commits, refs, trees, blobs, tags and differences as GitHub's JSON."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localhub.gitcore import Commit, Person, Tag
from localhub.gitdiff import FileChange
from localhub.ids import text_node_id
from localhub.people import account_of
from localhub.render.accounts import maybe_user

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def name_of(repo: Row) -> str:
    return f"{repo['owner_login']}/{repo['name']}"


def api(hub: Hub, repo: Row, path: str) -> str:
    return hub.api(f"/repos/{name_of(repo)}{path}")


def html(hub: Hub, repo: Row, path: str) -> str:
    return hub.html(f"/{name_of(repo)}{path}")


def date(who: Person) -> str:
    """In UTC, as the REST API has dates."""
    return datetime.fromtimestamp(who.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(who: Person) -> str:
    """With the author's own offset, as webhooks have it."""
    sign, hours, minutes = who.date[-5], int(who.date[-4:-2]), int(who.date[-2:])
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    return datetime.fromtimestamp(who.epoch, timezone(offset)).isoformat()


def person(who: Person) -> dict[str, str]:
    return {"name": who.name, "email": who.email, "date": date(who)}


def git_commit(hub: Hub, repo: Row, commit: Commit) -> dict[str, Any]:
    """`GitCommit`: the bare object."""
    return {
        "sha": commit.sha,
        "node_id": text_node_id("Commit", repo["id"], commit.sha),
        "url": api(hub, repo, f"/git/commits/{commit.sha}"),
        "html_url": html(hub, repo, f"/commit/{commit.sha}"),
        "author": person(commit.author),
        "committer": person(commit.committer),
        "tree": {"sha": commit.tree, "url": api(hub, repo, f"/git/trees/{commit.tree}")},
        "message": commit.message,
        "parents": [
            {
                "sha": parent,
                "url": api(hub, repo, f"/git/commits/{parent}"),
                "html_url": html(hub, repo, f"/commit/{parent}"),
            }
            for parent in commit.parents
        ],
        "verification": UNSIGNED,
    }


def commit(hub: Hub, repo: Row, commit: Commit) -> dict[str, Any]:
    """`Commit` as lists have it, without stats and files."""
    url = api(hub, repo, f"/commits/{commit.sha}")
    return {
        "sha": commit.sha,
        "node_id": text_node_id("Commit", repo["id"], commit.sha),
        "commit": {
            "author": person(commit.author),
            "committer": person(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": api(hub, repo, f"/git/trees/{commit.tree}")},
            "url": api(hub, repo, f"/git/commits/{commit.sha}"),
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": url,
        "html_url": html(hub, repo, f"/commit/{commit.sha}"),
        "comments_url": f"{url}/comments",
        "author": maybe_user(hub, account_of(hub, commit.author.email)),
        "committer": maybe_user(hub, account_of(hub, commit.committer.email)),
        "parents": [
            {
                "sha": parent,
                "url": api(hub, repo, f"/commits/{parent}"),
                "html_url": html(hub, repo, f"/commit/{parent}"),
            }
            for parent in commit.parents
        ],
    }


def commits(hub: Hub, repo: Row, git: GitRepo, shas: list[str]) -> list[dict[str, Any]]:
    found = git.commits_by_sha(shas)
    return [commit(hub, repo, found[sha]) for sha in shas]


def files(hub: Hub, repo: Row, changes: list[FileChange], ref: str) -> list[dict[str, Any]]:
    """`DiffEntry` for each changed file; links lead to the file at `ref`."""
    return [_file(hub, repo, change, ref) for change in changes]


def _file(hub: Hub, repo: Row, change: FileChange, ref: str) -> dict[str, Any]:
    path = quote(change.path)
    entry: dict[str, Any] = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": html(hub, repo, f"/blob/{ref}/{path}"),
        "raw_url": html(hub, repo, f"/raw/{ref}/{path}"),
        "contents_url": api(hub, repo, f"/contents/{path}?ref={ref}"),
    }
    if change.patch is not None:
        entry["patch"] = change.patch
    if change.previous is not None:
        entry["previous_filename"] = change.previous
    return entry


def ref(hub: Hub, repo: Row, name: str, sha: str, kind: str) -> dict[str, Any]:
    """`GitRef`; `kind` is the type of the object it points at."""
    return {
        "ref": name,
        "node_id": text_node_id("Ref", repo["id"], name),
        "url": api(hub, repo, f"/git/{quote(name)}"),
        "object": {"sha": sha, "type": kind, "url": api(hub, repo, f"/git/{kind}s/{sha}")},
    }


def tag(hub: Hub, repo: Row, tag: Tag) -> dict[str, Any]:
    """`GitTag`: an annotated tag object."""
    return {
        "node_id": text_node_id("Tag", repo["id"], tag.sha),
        "tag": tag.tag,
        "sha": tag.sha,
        "url": api(hub, repo, f"/git/tags/{tag.sha}"),
        "message": tag.message,
        "tagger": person(tag.tagger),
        "object": {"type": tag.type, "sha": tag.object, "url": api(hub, repo, f"/git/{tag.type}s/{tag.object}")},
        "verification": UNSIGNED,
    }


def blob(hub: Hub, repo: Row, sha: str, content: bytes) -> dict[str, Any]:
    return {
        "sha": sha,
        "node_id": text_node_id("Blob", repo["id"], sha),
        "size": len(content),
        "url": api(hub, repo, f"/git/blobs/{sha}"),
        "content": base64.encodebytes(content).decode(),
        "encoding": "base64",
    }


def pushed_commit(hub: Hub, repo: Row, commit: Commit, changes: list[FileChange]) -> dict[str, Any]:
    """A commit as the `push` webhook tells it."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": local_date(commit.committer),
        "url": html(hub, repo, f"/commit/{commit.sha}"),
        "author": _pusher(hub, commit.author),
        "committer": _pusher(hub, commit.committer),
        "added": [c.path for c in changes if c.status in ("added", "renamed", "copied")],
        "removed": [c.previous or c.path for c in changes if c.status in ("removed", "renamed")],
        "modified": [c.path for c in changes if c.status in ("modified", "changed")],
    }


def _pusher(hub: Hub, who: Person) -> dict[str, Any]:
    account = account_of(hub, who.email)
    named: dict[str, Any] = {"name": who.name, "email": who.email, "date": local_date(who)}
    if account is not None:
        named["username"] = hub.db.get("accounts", account)["login"]
    return named
