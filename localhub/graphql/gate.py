"""What an app may not read over GraphQL: each object wants a permission, else it is null with an error FORBIDDEN.

An object is judged where it is reached, whichever way led to it: by name, by node id, in a list or through another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.graphql.base import Scope

_TALK = ("issues", "pull_requests")
# A pull request shows its own commits and branches, so its permission will do for these.
_CODE = ("contents", "pull_requests")
NEEDS: dict[str, tuple[str, ...]] = {
    "CheckRun": ("checks",),
    "CheckSuite": ("checks",),
    "Commit": _CODE,
    "Issue": ("issues",),
    "IssueComment": _TALK,  # of an issue: that of issues alone
    "Label": _TALK,
    "Milestone": _TALK,
    "PullRequest": ("pull_requests",),
    "PullRequestReview": ("pull_requests",),
    "PullRequestReviewComment": ("pull_requests",),
    "PullRequestReviewThread": ("pull_requests",),
    "Ref": _CODE,
    "Status": ("statuses",),
    "StatusCheckRollup": ("checks", "statuses"),
    "StatusContext": ("statuses",),
    "Workflow": ("actions",),
    "WorkflowRun": ("actions",),
}
"""Any of the permissions will do."""


def forbidden(value: Any) -> bool:
    """Whether the request's app (people have roles instead) may not read this object."""
    needs = NEEDS.get(type(value).__name__)
    if needs is None:
        return False
    scope = _scope(value)
    if not scope.actor.is_bot:
        return False
    if type(value).__name__ == "IssueComment" and not value.issue_row["is_pull"]:
        needs = ("issues",)
    key = (_repo_id(value), needs)
    if key not in scope.judged:
        repo = scope.hub.access.repo_by_id(key[0])
        scope.judged[key] = scope.hub.access.allowed(scope.actor, repo, needs)
    return not scope.judged[key]


def _scope(value: Any) -> Scope:
    if hasattr(value, "scope"):
        found: Scope = value.scope
        return found
    return _scope(value.commit if hasattr(value, "commit") else value.repository)


def _repo_id(value: Any) -> int:
    row = getattr(value, "row", None)
    if row is not None and "repo_id" in row.keys():  # noqa: SIM118 (a row's `in` looks at its values)
        return int(row["repo_id"])
    if type(value).__name__ in ("Status", "StatusCheckRollup"):
        return _repo_id(value.commit)
    repository = value.repository() if callable(value.repository) else value.repository
    return int(repository.row["id"])
