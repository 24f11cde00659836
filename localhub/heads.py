"""Where a pull request comes from: a branch of its own repository, or of a fork in the same network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def foreign(pull: Row) -> bool:
    """Whether it comes from another repository."""
    return bool(pull["head_repo_id"] != pull["repo_id"])


def home(hub: Hub, pull: Row) -> Row | None:
    """The repository of the head; None when that fork is gone."""
    found = hub.db.value("SELECT id FROM repos WHERE id = ?", pull["head_repo_id"])
    return None if found is None else hub.access.repo_by_id(found)


def label(hub: Hub, pull: Row) -> str:
    """owner:branch."""
    return f"{hub.account(pull['head_owner_id'])['login']}:{pull['head_ref']}"


def tip(hub: Hub, pull: Row) -> str | None:
    """What the head branch points at now, in whichever repository."""
    if home(hub, pull) is None:
        return None
    return GitRepo(hub.git_dir(pull["head_repo_id"])).ref(f"refs/heads/{pull['head_ref']}")


def find(hub: Hub, actor: Actor, repo: Row, head: str, head_repo: str | None = None) -> tuple[Row, str] | None:
    """Repository and branch that `branch`, `owner:branch` or a `head_repo` besides name, if the actor sees it."""
    owner, colon, branch = head.rpartition(":")
    if not colon and head_repo is None:
        return repo, head
    if not owner:
        owner = repo["owner_login"]
    if owner.lower() == repo["owner_login"].lower() and head_repo in (None, repo["name"]):
        return repo, branch
    root = repo["source_id"] or repo["id"]
    row = hub.db.row(
        """SELECT r.id FROM repos r JOIN accounts a ON a.id = r.owner_id WHERE a.login = ?
           AND (r.source_id = ? OR r.id = ?) AND (? IS NULL OR r.name = ?) ORDER BY r.id LIMIT 1""",
        owner, root, root, head_repo, head_repo,
    )  # fmt: skip
    found = None if row is None else hub.access.repo_by_id(row["id"])
    return (found, branch) if found is not None and hub.access.sees(actor, found) else None


def bring(hub: Hub, repo: Row, head_repo: Row, sha: str) -> None:
    """Copy the commits up to `sha` from a fork into a repository that lacks them."""
    git, other = GitRepo(hub.git_dir(repo)), GitRepo(hub.git_dir(head_repo))
    if repo["id"] == head_repo["id"] or git.kinds([sha])[0][1] == "commit":
        return
    tips = sorted(set(git.refs("refs/heads/").values()))
    known = [tip for tip, (_, kind, _) in zip(tips, other.kinds(tips), strict=True) if kind == "commit"]
    wanted = "".join(f"{line}\n" for line in (sha, *(f"^{tip}" for tip in known)))
    pack = other.git("pack-objects", "--revs", "--stdout", "--quiet", stdin=wanted.encode())
    git.git("index-pack", "--stdin", stdin=pack)


def may_push(hub: Hub, actor: Actor, pull: Row) -> bool:
    """Whether the actor may write the head branch: by right, or because the author lets maintainers."""
    head_repo = home(hub, pull)
    if head_repo is None:
        return False
    if hub.access.allowed(actor, head_repo, "contents", "write"):
        return True
    base = hub.access.repo_by_id(pull["repo_id"])
    return bool(pull["maintainer_can_modify"]) and hub.access.allowed(actor, base, "contents", "write")


def lent(hub: Hub, actor: Actor, repo: Row) -> set[str]:
    """The branches of a fork that open pull requests let the actor write."""
    rows = hub.db.rows("SELECT * FROM pulls WHERE head_repo_id = ? AND open", repo["id"])
    return {row["head_ref"] for row in rows if foreign(row) and may_push(hub, actor, row)}
