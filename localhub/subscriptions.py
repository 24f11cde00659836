"""Which webhooks an app may have: each event wants a permission, without which GitHub neither offers nor sends it.

Source: docs.github.com, "Webhook events and payloads" ("To subscribe to this event, a GitHub App must have …").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_BOTH = ("issues", "pull_requests")
NEEDS: dict[str, tuple[str, ...]] = {
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "create": ("contents",),
    "delete": ("contents",),
    "issue_comment": _BOTH,
    "issue_dependencies": ("issues",),
    "issues": ("issues",),
    "label": _BOTH,
    "milestone": _BOTH,
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "push": ("contents",),
    "status": ("statuses",),
    "sub_issues": ("issues",),
    "workflow_dispatch": ("contents",),
    "workflow_job": ("actions",),
    "workflow_run": ("actions",),
}
"""Any of the permissions will do; what is not listed (`repository`, for one) wants metadata, which every app has."""


def allowed(event: str, permissions: Mapping[str, str]) -> bool:
    """Whether an installation with these permissions is sent this event."""
    needs = NEEDS.get(event)
    return needs is None or any(name in permissions for name in needs)


def kept(events: Iterable[str], permissions: Mapping[str, str]) -> list[str]:
    """The events that remain to an installation."""
    return [event for event in events if allowed(event, permissions)]
