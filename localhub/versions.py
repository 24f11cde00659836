"""GitHub's REST API versions: every answer is made as 2022-11-28 has it and then reduced to what the newer one keeps.

Source: docs.github.com, "Breaking changes" of the REST API.
"""

from __future__ import annotations

from typing import Any

from localhub.context import get_context

FIRST, SECOND = VERSIONS = ("2022-11-28", "2026-03-10")
"""The first is what a client gets that names none."""
_GONE = {"has_downloads", "master_branch", "merge_commit_sha", "use_squash_pr_title_as_default"}


def is_first() -> bool:
    """Whether this request's client has the version with all that was dropped later."""
    context = get_context()
    return context is None or context.version == FIRST


def shaped(data: Any) -> Any:
    """The data without the fields that 2026-03-10 dropped. `assignee` stays where it is not twin of `assignees`."""
    if isinstance(data, list):
        return [shaped(each) for each in data]
    if not isinstance(data, dict):
        return data
    gone = _GONE | {"assignee"} if "assignees" in data else _GONE
    return {key: shaped(value) for key, value in data.items() if key not in gone}
