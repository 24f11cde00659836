"""Suggested changes: what a comment on lines puts in their place, committed to the branch of the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from localhub import heads, pulls, refs, reviewcomments, reviewthreads
from localhub.context import current_actor
from localhub.errors import conflict, forbidden, invalid
from localhub.gitcore import RefChange
from localhub.pages.markdown import suggestions
from localhub.pages.web import FormDep, Web, home, to
from localhub.people import identity

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def replacement(row: Row) -> list[str] | None:
    """The lines that a review comment puts in place of those it is about; None when there is nothing to commit.

    As on GitHub: one suggestion in the comment, on lines of the new file that are still there.
    """
    if row["subject_type"] != "line" or row["side"] != "RIGHT" or row["start_side"] == "LEFT" or row["line"] is None:
        return None
    found = suggestions(row["body"])
    return found[0] if len(found) == 1 else None


def may_commit(hub: Hub, pull: Row, actor: Actor) -> bool:
    return actor.kind == "user" and bool(pull["open"]) and heads.may_push(hub, actor, pull)


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    @api.post("/{owner}/{name}/pull/{number:int}/suggestions/{comment_id:int}")
    def commit(owner: str, name: str, number: int, comment_id: int, form: FormDep) -> Response:
        """Commit what a comment suggests; whoever suggested it is a co-author, and the conversation is resolved."""
        repo = hub.access.repo(owner, name, "pull_requests", "write", role="read")
        hub.access.user()
        pulls.find(hub, repo, number)
        actor = current_actor()
        pull, row = reviewcomments.find(hub, repo, comment_id, actor.account_id)
        if not may_commit(hub, pull, actor):
            raise forbidden("Only people who may push to its branch commit suggestions, while it is open.")
        lines = replacement(row)
        if lines is None or reviewcomments.pending(hub, row):
            raise invalid("There is no suggestion that can be committed: its lines may have changed meanwhile.")
        _commit(hub, pull, row, lines, actor, form.text("message").strip())
        thread = hub.db.get("review_threads", row["thread_id"])
        if not thread["resolved_by"] and pulls.may_edit(hub, repo, pull, actor):
            reviewthreads.resolve(hub, repo, thread, actor, resolved=True)
        return to(f"{home(repo)}/pull/{pull['number']}#thread-{row['thread_id']}")


def _commit(hub: Hub, pull: Row, row: Row, lines: list[str], actor: Actor, words: str) -> None:
    head_repo = heads.home(hub, pull)
    assert head_repo is not None  # or nobody could push
    git, path, branch = refs.git_of(hub, head_repo), row["path"], f"refs/heads/{pull['head_ref']}"
    with hub.repo_locks.of(head_repo["id"]):
        tip = git.ref(branch)
        entry = None if tip is None else git.entry(tip, path)
        content = None if entry is None else git.blob(entry.sha)
        if tip != pull["head_sha"] or tip is None or entry is None or content is None:
            raise conflict(f"{path} was changed meanwhile: go back and reload the page.")
        end = b"\r\n" if b"\r\n" in content else b"\n"
        old = content.split(end)
        first = row["start_line"] or row["line"]
        new = [*old[: first - 1], *(line.encode() for line in lines), *old[row["line"] :]]
        tree = git.write_tree({path: (entry.mode, git.write_blob(end.join(new)))}, tip)
        who, by = identity(hub, actor.account_id), identity(hub, row["user_id"])
        message = words or f"Update {path}"
        if row["user_id"] != actor.account_id:
            message += f"\n\nCo-authored-by: {by.name} <{by.email}>"
        sha = git.write_commit(tree, [tip], who, who, message + "\n")
        refs.move(hub, head_repo, RefChange(branch, tip, sha), actor)
