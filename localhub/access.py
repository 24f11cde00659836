"""Who may see and do what: roles of people, permissions of apps, GitHub's 404 for the unseen and 403 for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import auth
from localhub.auth import LEVELS, Actor, TokenKind
from localhub.context import current_actor, get_context, note
from localhub.errors import ANONYMOUS, GitHubError, forbidden, not_found, unauthorized

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

RANK = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}
_REPO = "SELECT r.*, a.login AS owner_login, a.type AS owner_type FROM repos r JOIN accounts a ON a.id = r.owner_id"


class Access:
    """The one place that judges; endpoints call `repo()` first and get the row or the right error."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def authenticate(self, authorization: str | None, cookie: str | None = None) -> Actor:
        return auth.authenticate(self._hub, authorization, cookie)

    def mint(
        self,
        kind: TokenKind,
        account_id: int,
        *,
        installation_id: int | None = None,
        permissions: dict[str, str] | None = None,
        repositories: list[int] | None = None,
        seconds: int | None = None,
    ) -> str:
        return auth.mint(
            self._hub,
            kind,
            account_id,
            installation_id=installation_id,
            permissions=permissions,
            repositories=repositories,
            seconds=seconds,
        )

    def repo_row(self, owner: str, name: str) -> Row | None:
        """The repository of this name, whoever asks; its counters (`counts`) and `pushed_at` may be of before."""
        return self._hub.known.get(
            ("repo", owner, name), lambda: self._hub.db.row(f"{_REPO} WHERE a.login = ? AND r.name = ?", owner, name)
        )

    def repo_by_id(self, repo_id: int) -> Row:
        """The same by its id; 404 when there is none."""
        found = self._hub.known.get(("repo", repo_id), lambda: self._hub.db.row(f"{_REPO} WHERE r.id = ?", repo_id))
        if found is None:
            raise not_found()
        return found

    def counts(self, repo_id: int) -> Row:
        """What changes often in a repository: open_issues (pull requests too), open_pulls, pushed_at."""
        found = self._hub.db.row("SELECT open_issues, open_pulls, pushed_at FROM repos WHERE id = ?", repo_id)
        if found is None:
            raise not_found()
        return found

    def repo(
        self,
        owner: str,
        name: str,
        permission: str | tuple[str, ...] = "metadata",
        level: str = "read",
        *,
        role: str | None = None,
        actor: Actor | None = None,
    ) -> Row:
        """The repository, if the actor may do this to it.

        An app needs one of the permissions at the level; a person needs the role, by default the level's namesake.
        """
        actor = actor or current_actor()
        found = self.repo_row(owner, name)
        if found is None or not self.sees(actor, found):
            moved = self._hub.db.value("SELECT repo_id FROM repo_redirects WHERE full_name = ?", f"{owner}/{name}")
            if found is None and moved is not None and self.sees(actor, self.repo_by_id(moved)):
                raise GitHubError(
                    301, "Moved Permanently", headers={"Location": self._hub.api(f"/repositories/{moved}")}
                )
            raise not_found()
        names = (permission,) if isinstance(permission, str) else permission
        context = get_context()
        if context:
            context.asked = level
        note("X-Accepted-GitHub-Permissions", "; ".join(f"{each}={level}" for each in names))
        self.require(actor, found, permission, level, role=role)
        return found

    def require(
        self,
        actor: Actor,
        repo: Row,
        permission: str | tuple[str, ...],
        level: str = "read",
        *,
        role: str | None = None,
    ) -> None:
        """Nothing, or what GitHub answers to who may not do this, or not to an archived repository."""
        if self.allowed(actor, repo, permission, level, role=role):
            if level != "read" and repo["archived"] and permission != "administration":
                raise forbidden("Repository was archived so is read-only.")
            return
        if actor.kind == "anonymous":
            raise unauthorized(ANONYMOUS)
        if actor.is_bot:
            raise forbidden()
        admin = (role or level) == "admin"
        raise forbidden("Must have admin rights to Repository." if admin else "Must have push access to repository.")

    def require_again(self, repo: Row, permission: str) -> None:
        """Demand this permission of an app too, at the level at which the endpoint asked for the repository."""
        context = get_context()
        if context and context.actor.is_bot:
            self.require(context.actor, repo, permission, context.asked)

    def only_pulls(self, repo: Row) -> bool:
        """Whether the request's app, which was let in for issues or pull requests, may read the latter alone."""
        actor = current_actor()
        return actor.is_bot and not self.allowed(actor, repo, "issues")

    def allowed(
        self,
        actor: Actor,
        repo: Row,
        permission: str | tuple[str, ...],
        level: str = "read",
        *,
        role: str | None = None,
    ) -> bool:
        if actor.is_bot:
            if level == "read" and role in (None, "read") and not repo["private"]:
                return True  # what everyone reads; not what people need more than read access for
            if not self.covers(actor, repo["id"]):
                return False
            names = (permission,) if isinstance(permission, str) else permission
            granted = dict(actor.permissions) | {"metadata": "read"}
            return any(LEVELS.get(granted.get(name, ""), 0) >= LEVELS[level] for name in names)
        has = self.role(repo, actor.account_id)
        return RANK[has] >= RANK[role or level] and (actor.kind != "anonymous" or level == "read")

    def sees(self, actor: Actor, repo: Row) -> bool:
        if not repo["private"]:
            return True
        if actor.is_bot:
            return self.covers(actor, repo["id"])
        return self.role(repo, actor.account_id) != "none"

    def shows(self, repo_id: int) -> bool:
        """Whether who makes this request may see the repository."""
        return self.sees(current_actor(), self.repo_by_id(repo_id))

    def covers(self, actor: Actor, repo_id: int) -> bool:
        """Whether an installation's or job's token reaches this repository."""
        if actor.repositories is not None and repo_id not in actor.repositories:
            return False
        if actor.kind == "actions":
            return True
        if actor.installation_id is None:
            return False
        return repo_id in self.installed(actor.installation_id, repo_id)

    def installed(self, installation_id: int, repo_id: int | None = None) -> list[int]:
        """Ids of the repositories of an installation (or only this one, if it is among them), oldest first."""
        rows = self._hub.db.rows(
            """SELECT r.id FROM installations i JOIN repos r ON r.owner_id = i.account_id
               WHERE i.id = ? AND (? IS NULL OR r.id = ?) AND (i.repository_selection = 'all' OR EXISTS (
                 SELECT 1 FROM installation_repos s WHERE s.installation_id = i.id AND s.repo_id = r.id))
               ORDER BY r.id""",
            installation_id,
            repo_id,
            repo_id,
        )
        return [row["id"] for row in rows]

    def role(self, repo: Row, account_id: int) -> str:
        """none, read, triage, write, maintain or admin."""
        return self._hub.known.get(("role", repo["id"], account_id), lambda: self._role(repo, account_id))

    def _role(self, repo: Row, account_id: int) -> str:
        if account_id and repo["owner_id"] == account_id:
            return "admin"
        roles = ["none" if repo["private"] else "read"]
        member = self.member(repo["owner_id"], account_id)
        if member:
            roles.append("admin" if member == "admin" else "read")
        parent = self.repo_by_id(repo["parent_id"]) if repo["private"] and repo["parent_id"] else None
        if parent is not None and self.role(parent, account_id) == "admin":
            roles.append("read")  # a private fork is no hiding place from those who own what was forked
        direct = self._hub.db.value(
            "SELECT role FROM collaborators WHERE repo_id = ? AND account_id = ?", repo["id"], account_id
        )
        return max([*roles, direct or "none"], key=lambda each: RANK[each])

    def member(self, org_id: int, account_id: int) -> str | None:
        """admin or member of an organisation, or None."""
        found: str | None = self._hub.db.value(
            "SELECT role FROM org_members WHERE org_id = ? AND account_id = ?", org_id, account_id
        )
        return found

    def association(self, repo: Row, account_id: int) -> str:
        """GitHub's author_association."""
        return self._hub.known.get(("association", repo["id"], account_id), lambda: self._association(repo, account_id))

    def _association(self, repo: Row, account_id: int) -> str:
        if repo["owner_id"] == account_id:
            return "OWNER"
        if self.member(repo["owner_id"], account_id):
            return "MEMBER"
        for table, name in (("collaborators", "COLLABORATOR"), ("contributors", "CONTRIBUTOR")):
            if self._hub.db.value(
                f"SELECT 1 FROM {table} WHERE repo_id = ? AND account_id = ?",  # noqa: S608
                repo["id"],
                account_id,
            ):
                return name
        return "NONE"

    def user(self) -> Actor:
        """The actor, who must be a person or a bot that can write; 401 for anonymous."""
        actor = current_actor()
        if actor.kind == "anonymous":
            raise unauthorized(ANONYMOUS)
        return actor
