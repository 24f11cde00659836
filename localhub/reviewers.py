"""Who is asked to review a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localhub import issues, notifications, pulls
from localhub.errors import GitHubError, invalid
from localhub.render import pulls as render
from localhub.render.accounts import simple_user
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def request(hub: Hub, repo: Row, pull: Row, actor: Actor, logins: Sequence[str]) -> Row:
    """Ask people for a review; they must be able to read the repository, and not be the author."""
    accounts = [_reviewer(hub, repo, pull, login) for login in logins]
    with hub.tx():
        for account in accounts:
            if account["id"] in render.requested(hub, pull["id"]):
                continue
            hub.db.insert("review_requests", pull_id=pull["id"], account_id=account["id"])
            asked = simple_user(hub, account)
            issue = issues.touch(hub, pull["issue_id"])
            more = {"requested_reviewer_id": account["id"]}
            record(hub, pull["repo_id"], pull["issue_id"], "review_requested", actor.account_id, **more)
            pulls.tell(hub, repo, pull["id"], "review_requested", actor.account_id, requested_reviewer=asked)
            notifications.notify(hub, issue, "review_requested", [account["id"]], by=actor.account_id)
    return pulls.get(hub, pull["id"])


def _reviewer(hub: Hub, repo: Row, pull: Row, login: str) -> Row:
    account = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
    if account is not None and account["id"] == pull["author_id"]:
        raise invalid("Review cannot be requested from pull request author.")
    member = account is not None and (
        hub.access.association(repo, account["id"]) in ("OWNER", "MEMBER", "COLLABORATOR")
    )
    if account is None or not member:
        raise GitHubError(422, "Reviews may only be requested from collaborators. One or more of the users or teams "
                          f"you specified is not a collaborator of the {repo['owner_login']}/{repo['name']} "
                          "repository.")  # fmt: skip
    return account


def unrequest(hub: Hub, repo: Row, pull: Row, actor: Actor, logins: Sequence[str]) -> Row:
    with hub.tx():
        for login in logins:
            account = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
            if account is None or account["id"] not in render.requested(hub, pull["id"]):
                continue
            forget(hub, pull["id"], account["id"])
            issues.touch(hub, pull["issue_id"])
            more = {"requested_reviewer_id": account["id"]}
            record(hub, pull["repo_id"], pull["issue_id"], "review_request_removed", actor.account_id, **more)
            asked = simple_user(hub, account)
            pulls.tell(hub, repo, pull["id"], "review_request_removed", actor.account_id, requested_reviewer=asked)
    return pulls.get(hub, pull["id"])


def forget(hub: Hub, pull_id: int, account_id: int) -> None:
    hub.db.execute("DELETE FROM review_requests WHERE pull_id = ? AND account_id = ?", pull_id, account_id)
