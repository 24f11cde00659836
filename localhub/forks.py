"""Forks: a copy of a repository's branches and tags under another owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import repositories
from localhub.errors import forbidden, invalid
from localhub.events import Event
from localhub.gitcore import ZERO, RefChange
from localhub.gitstore import GitRepo
from localhub.render import repos as render

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def create(
    hub: Hub, repo: Row, actor: Actor, *,
    organization: str | None = None, name: str | None = None, default_branch_only: bool = False,
) -> Row:  # fmt: skip
    """The actor's fork (or an organisation's); the one that there is already if there is one."""
    if actor.kind != "user":
        raise forbidden()
    owner_id = actor.account_id if organization is None else _organization(hub, actor, organization)
    if owner_id == repo["owner_id"]:
        raise invalid("A repository cannot be forked to the account that owns it.")
    if GitRepo(hub.git_dir(repo)).head() and not GitRepo(hub.git_dir(repo)).refs("refs/heads/"):
        raise forbidden("The repository exists, but it contains no Git content. Empty repositories cannot be forked.")
    root = repo["source_id"] or repo["id"]
    with hub.tx():
        known = hub.db.value("SELECT id FROM repos WHERE owner_id = ? AND source_id = ?", owner_id, root)
        if known is not None:
            return hub.access.repo_by_id(known)
        made = repositories.create(
            hub, owner_id, _free(hub, owner_id, name or repo["name"]), by=actor.account_id,
            description=repo["description"], homepage=repo["homepage"], private=bool(repo["private"]),
            source=hub.git_dir(repo),
        )  # fmt: skip
        hub.db.update("repos", made["id"], parent_id=repo["id"], source_id=root, has_issues=0)
        if default_branch_only:
            _keep_default(hub, made)
        fork = hub.access.repo_by_id(made["id"])
        hub.emit(Event("fork", None, repo["id"], actor.account_id, {"forkee": render.webhook(hub, fork)}))
    return fork


def _organization(hub: Hub, actor: Actor, login: str) -> int:
    row = hub.db.row("SELECT id FROM accounts WHERE login = ? AND type = 'Organization'", login)
    if row is None or hub.access.member(row["id"], actor.account_id) is None:
        raise invalid(f"'{login}' is not an organization that you belong to.")
    return int(row["id"])


def _free(hub: Hub, owner_id: int, name: str) -> str:
    """The name, or with a number when the owner has another repository of this name, as GitHub does."""
    wanted, number = name, 0
    while hub.db.value("SELECT 1 FROM repos WHERE owner_id = ? AND name = ?", owner_id, wanted):
        number += 1
        wanted = f"{name}-{number}"
    return wanted


def _keep_default(hub: Hub, repo: Row) -> None:
    git = GitRepo(hub.git_dir(repo))
    rest = [RefChange(ref, sha, ZERO) for ref, sha in git.refs("refs/heads/", "refs/tags/").items()
            if ref != f"refs/heads/{repo['default_branch']}"]  # fmt: skip
    if rest:
        git.update_refs(rest)


def of(hub: Hub, repo: Row) -> list[Row]:
    """Its own forks, newest first."""
    rows = hub.db.rows("SELECT id FROM repos WHERE parent_id = ? ORDER BY id DESC", repo["id"])
    return [hub.access.repo_by_id(row["id"]) for row in rows]
