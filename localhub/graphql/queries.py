"""The root of queries, and every node by its id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localhub.clock import iso
from localhub.graphql import (
    accounts,
    checks,
    commits,
    development,
    issues,
    milestones,
    pulls,
    repository,
    reviews,
    rules,
    timeline,
)
from localhub.graphql.base import QueryError, Scope, no_node, not_found
from localhub.graphql.search import SearchConnection
from localhub.ids import parse_node_id, parse_text_node_id

#: Type -> (table, class).
_TABLES: Mapping[str, tuple[str, Any]] = {
    "Label": ("labels", repository.Label),
    "IssueComment": ("comments", issues.IssueComment),
    "PullRequest": ("pulls", pulls.PullRequest),
    "PullRequestReview": ("reviews", reviews.PullRequestReview),
    "PullRequestReviewComment": ("review_comments", reviews.PullRequestReviewComment),
    "PullRequestReviewThread": ("review_threads", reviews.PullRequestReviewThread),
    "CheckRun": ("check_runs", checks.CheckRun),
    "CheckSuite": ("check_suites", checks.CheckSuite),
    "WorkflowRun": ("workflow_runs", checks.WorkflowRun),
    "Workflow": ("workflows", checks.Workflow),
    "StatusContext": ("statuses", checks.StatusContext),
    "Milestone": ("milestones", milestones.Milestone),
    "PinnedIssue": ("pins", development.PinnedIssue),
    "LinkedBranch": ("linked_branches", development.LinkedBranch),
    "BranchProtectionRule": ("protections", rules.BranchProtectionRule),
    "Ruleset": ("rulesets", rules.RepositoryRuleset),
}


def node(scope: Scope, id: str) -> Any:
    """The object of a node id, if it exists and the viewer may see it."""
    missing = no_node("a", id)
    named = parse_text_node_id(id)
    if named is not None:
        kind, repo_id, text = named
        repo = _repository(scope, repo_id)
        found: Any = None
        if repo is not None and kind in ("Commit", "Ref"):
            found = commits.Commit.at(repo, text) if kind == "Commit" else repo.ref(text)
        if found is None:
            raise missing
        return found
    parsed = parse_node_id(id)
    if parsed is None:
        raise missing
    kind, number = parsed
    found = _by_number(scope, kind, number)
    if found is None:
        raise missing
    return found


def _by_number(scope: Scope, kind: str, number: int) -> Any:
    db = scope.hub.db
    if kind == "Repository":
        return _repository(scope, number)
    if kind in ("User", "Bot", "Organization"):
        row = db.row("SELECT * FROM accounts WHERE id = ? AND type = ?", number, kind)
        return None if row is None else accounts.account(scope, row)
    if kind == "App":
        row = db.row("SELECT * FROM apps WHERE id = ?", number)
        return None if row is None else accounts.App(scope, row)
    if kind == "Issue":
        row = db.row("SELECT * FROM issues WHERE id = ?", number)
        return None if row is None or not _repository(scope, row["repo_id"]) else issues.thread(scope, row)
    if kind == "Event":
        row = db.row("SELECT * FROM issue_events WHERE id = ?", number)
        made = None if row is None else timeline.event(scope, row)
        return made if made is not None and _repository(scope, made.repository().row["id"]) else None
    if kind not in _TABLES:
        return None
    table, make = _TABLES[kind]
    row = db.row(f"SELECT * FROM {table} WHERE id = ?", number)  # noqa: S608
    if row is None:
        return None
    made = make(scope, row)
    home = row["repo_id"] if "repo_id" in row.keys() else made.repository().row["id"]  # noqa: SIM118 - a Row's values iterate
    hidden = hasattr(made, "seen") and not made.seen()
    return made if not hidden and _repository(scope, home) else None


def _repository(scope: Scope, repo_id: int) -> repository.Repository | None:
    row = scope.hub.db.row("SELECT id FROM repos WHERE id = ?", repo_id)
    if row is None:
        return None
    found = scope.hub.access.repo_by_id(repo_id)
    return repository.Repository(scope, found) if scope.hub.access.sees(scope.actor, found) else None


class Query:
    """The root object; `cost` is what the document costs, for rateLimit."""

    def __init__(self, scope: Scope, cost: int, nodes: int) -> None:
        self._scope = scope
        self._cost = cost
        self._nodes = nodes

    def repository(self, owner: str, name: str, followRenames: bool | None = True) -> repository.Repository:
        access = self._scope.hub.access
        row = access.repo_row(owner, name)
        if row is None and followRenames is not False:
            moved = self._scope.hub.db.value(
                "SELECT repo_id FROM repo_redirects WHERE full_name = ?", f"{owner}/{name}"
            )
            row = access.repo_by_id(moved) if moved is not None else None
        if row is None or not access.sees(self._scope.actor, row):
            raise not_found("a Repository", f"name '{owner}/{name}'")
        return repository.Repository(self._scope, row)

    def node(self, id: str) -> Any:
        return node(self._scope, id)

    def nodes(self, ids: list[str]) -> list[Any]:
        return [self._node_or_error(one) for one in ids]

    def _node_or_error(self, id: str) -> Any:
        # An error as a value makes one null with an error of its own, and leaves the other nodes.
        try:
            return node(self._scope, id)
        except QueryError as error:
            return error

    def search(self, query: str, type: str, **page: Any) -> SearchConnection:
        return SearchConnection(self._scope, type, query, page)

    def viewer(self) -> accounts.User:
        # GitHub types the viewer as User, bots included.
        return accounts.User(self._scope, self._scope.hub.db.get("accounts", self._scope.actor.account_id))

    def user(self, login: str) -> Any:
        return self._account(login, "User")

    def organization(self, login: str) -> Any:
        return self._account(login, "Organization")

    def repositoryOwner(self, login: str) -> Any:
        row = self._scope.hub.db.row("SELECT * FROM accounts WHERE login = ? AND type <> 'Bot'", login)
        return None if row is None else accounts.account(self._scope, row)

    def _account(self, login: str, kind: str) -> Any:
        row = self._scope.hub.db.row("SELECT * FROM accounts WHERE login = ? AND type = ?", login, kind)
        if row is None:
            raise not_found(f"{'an' if kind[0] == 'O' else 'a'} {kind}", f"login of '{login}'")
        return accounts.account(self._scope, row)

    def rateLimit(self, dryRun: bool | None = False) -> dict[str, Any]:
        state = self._scope.hub.limits.state(self._scope.actor, "graphql")
        return {
            "cost": self._cost,
            "limit": state["limit"],
            "nodeCount": self._nodes,
            "remaining": state["remaining"],
            "resetAt": iso(datetime.fromtimestamp(state["reset"], UTC)),
            "used": state["used"],
        }
