"""What a repository tells of itself besides its issues and code: people, templates, and how the viewer stands to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from localhub import forks as forking
from localhub.graphql.accounts import RepositoryConnection, User
from localhub.graphql.base import Connection, Object
from localhub.ids import text_node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo

_FRONT_MATTER = re.compile(r"---\s*\n(.*?)\n---\s*\n?(.*)", re.DOTALL)
_TEMPLATES = ".github/ISSUE_TEMPLATE"
_PULL_TEMPLATES = ("pull_request_template.md", "docs/pull_request_template.md", ".github/pull_request_template.md")


class About(Object):
    """`row` is a repository's."""

    # What localhub does not have: no repository is a fork, a mirror or made from a template.
    templateRepository = mirrorUrl = None
    isMirror = isTemplate = viewerHasStarred = False
    stargazerCount = 0
    COLUMNS = {"diskUsage": "size"}

    @property
    def git(self) -> GitRepo:
        raise NotImplementedError

    def isFork(self) -> bool:
        return self.row["parent_id"] is not None

    def parent(self) -> Any:
        """What it was forked from, if the viewer sees it."""
        other = self.row["parent_id"] and self.hub.access.repo_by_id(self.row["parent_id"])
        return type(self)(self.scope, other) if other and self.hub.access.sees(self.scope.actor, other) else None

    def forkCount(self) -> int:
        return len(forking.of(self.hub, self.row))

    def forks(self, **page: Any) -> Connection:
        seen = [row for row in forking.of(self.hub, self.row) if self.hub.access.sees(self.scope.actor, row)]
        return RepositoryConnection(seen, lambda row: type(self)(self.scope, row), **page)

    def sshUrl(self) -> str:
        host = urlsplit(self.hub.html()).hostname
        return f"git@{host}:{self.row['owner_login']}/{self.row['name']}.git"

    def repositoryTopics(self, **page: Any) -> Connection:
        return Connection(json.loads(self.row["topics"]), self._topic, **page)

    def _topic(self, name: str) -> dict[str, Any]:
        url, id = self._html(f"/topics/{name}"), text_node_id("RepositoryTopic", self.row["id"], name)
        topic = {"id": text_node_id("Topic", 0, name), "name": name}
        return {
            "__typename": "RepositoryTopic",
            "id": id,
            "topic": topic,
            "url": url,
            "resourcePath": f"/topics/{name}",
        }

    def isUserConfigurationRepository(self) -> bool:
        return bool(self.row["owner_login"].lower() == self.row["name"].lower())

    # -- people

    def _people(self, wanted: Callable[[Row], bool], query: str | None, page: dict[str, Any]) -> Connection:
        rows = self.hub.db.rows(
            "SELECT * FROM accounts WHERE type = 'User' AND login LIKE ? ORDER BY login", f"%{query or ''}%"
        )
        return Connection([row for row in rows if wanted(row)], lambda row: User(self.scope, row), **page)

    def _role(self, account: Row) -> str:
        return self.hub.access.role(self.row, account["id"])

    def assignableUsers(self, query: str | None = None, **page: Any) -> Connection:
        return self._people(lambda row: self._role(row) not in ("none", "read"), query, page)

    def mentionableUsers(self, query: str | None = None, **page: Any) -> Connection:
        known = ("OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR")
        return self._people(lambda row: self.hub.access.association(self.row, row["id"]) in known, query, page)

    def watchers(self, **page: Any) -> Connection:
        rows = self.hub.db.rows(
            """SELECT a.* FROM watchers w JOIN accounts a ON a.id = w.account_id
               WHERE w.repo_id = ? AND NOT w.ignored ORDER BY a.id""",
            self.row["id"],
        )
        return Connection(rows, lambda row: User(self.scope, row), **page)

    # -- the viewer

    def viewerCanAdminister(self) -> bool:
        actor = self.scope.actor
        return bool(self.hub.access.allowed(actor, self.row, "administration", "write", role="admin"))

    def viewerSubscription(self) -> str:
        sql = "SELECT ignored FROM watchers WHERE repo_id = ? AND account_id = ?"
        ignored = self.hub.db.value(sql, self.row["id"], self.scope.actor.account_id)
        return "UNSUBSCRIBED" if ignored is None else "IGNORED" if ignored else "SUBSCRIBED"

    def viewerPossibleCommitEmails(self) -> list[str] | None:
        email = self.viewerDefaultCommitEmail()
        return None if email is None else [email]

    def viewerDefaultCommitEmail(self) -> str | None:
        if self.scope.actor.kind != "user":
            return None
        found: str | None = self.hub.db.get("accounts", self.scope.actor.account_id)["email"]
        return found

    # -- templates

    def _read(self, path: str) -> str | None:
        sha = self.git.resolve("HEAD")
        found = self.git.read(sha, path) if sha else None
        return None if found is None else found.decode("utf-8", "replace")

    def _config(self) -> dict[str, Any]:
        try:
            found = yaml.safe_load(self._read(f"{_TEMPLATES}/config.yml") or "")
        except yaml.YAMLError:
            return {}
        return found if isinstance(found, dict) else {}

    def isBlankIssuesEnabled(self) -> bool:
        return bool(self._config().get("blank_issues_enabled", True))

    def contactLinks(self) -> list[dict[str, Any]]:
        links = [each for each in self._config().get("contact_links") or [] if isinstance(each, dict)]
        return [{key: str(each.get(key, "")) for key in ("name", "url", "about")} for each in links]

    def issueTemplates(self) -> list[dict[str, Any]]:
        sha = self.git.resolve("HEAD")
        entries = self.git.tree(sha, recursive=True) if sha else []
        paths = [each.path for each in entries if each.path.startswith(f"{_TEMPLATES}/") and each.path.endswith(".md")]
        return [template for path in paths if (template := _issue_template(path, self._read(path) or ""))]

    def pullRequestTemplates(self) -> list[dict[str, Any]]:
        sha = self.git.resolve("HEAD")
        paths = [each.path for each in self.git.tree(sha, recursive=True)] if sha else []
        found = [path for path in paths if path.lower() in _PULL_TEMPLATES]
        return [{"filename": path, "body": self._read(path), "repository": self} for path in found]


def _issue_template(path: str, text: str) -> dict[str, Any] | None:
    """A template needs front matter with a name and what it is about."""
    match = _FRONT_MATTER.match(text)
    try:
        front = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        return None
    if match is None or not isinstance(front, dict) or not front.get("name"):
        return None
    return {
        "name": str(front["name"]),
        "about": front.get("about"),
        "title": front.get("title"),
        "body": match[2],
        "filename": path.rsplit("/", 1)[-1],
    }
