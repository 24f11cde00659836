"""Who may change what of an issue or pull request, for every door by which it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.errors import forbidden

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

BOTH = ("issues", "pull_requests")
_OF_TRIAGERS = ("labels", "assignees", "assignee", "milestone")


def permitted(hub: Hub, repo: Row, row: Row, actor: Actor, changes: dict[str, Any]) -> dict[str, Any]:
    """What of `changes` the actor may do, 403 if it is not theirs to change at all.

    Authors may change text and state; triagers state, labels, people and milestone; others' text needs write.
    What only triagers may is dropped silently for authors, as GitHub does.
    """
    author = row["author_id"] == actor.account_id
    triages = hub.access.allowed(actor, repo, BOTH, "write", role="triage")
    rewrites = bool({"title", "body"} & set(changes)) and not author
    if not (author or triages) or (rewrites and not hub.access.allowed(actor, repo, BOTH, "write")):
        raise forbidden("Must have admin rights to Repository.")
    return changes if triages else {key: value for key, value in changes.items() if key not in _OF_TRIAGERS}
