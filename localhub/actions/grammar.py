"""What GitHub would call an invalid workflow file: unknown keys, bad ids, circles, expressions that cannot be read.

Keys and contexts: docs.github.com, "Workflow syntax" and "Contexts reference" (context availability). No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localhub.actions import cron, templates
from localhub.actions.expressions import ExpressionError

_TOP = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
_BOTH = {"name", "permissions", "needs", "if", "strategy", "concurrency"}
_CALL = _BOTH | {"uses", "with", "secrets"}
_JOB = _BOTH | {
    "runs-on", "environment", "outputs", "env", "defaults", "steps", "timeout-minutes", "continue-on-error",
    "container", "services", "snapshot",
}  # fmt: skip
_STEP = {
    "id", "if", "name", "uses", "run", "shell", "with", "env", "continue-on-error", "timeout-minutes",
    "working-directory",
}  # fmt: skip
_STRATEGY = {"matrix", "fail-fast", "max-parallel"}
_ID = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_EARLY = {"github", "inputs", "vars"}
_OF_JOB = _EARLY | {"needs"}
_OF_LEG = _OF_JOB | {"strategy", "matrix", "secrets", "env"}
_OF_STEP = _OF_LEG | {"job", "runner", "steps"}
_FILTERS = ("branches", "tags", "paths")
_BRANCHES = {"branches", "branches-ignore"}
_PATHS = {"paths", "paths-ignore"}
_TYPES = frozenset({"types"})
_PULL = _TYPES | _BRANCHES | _PATHS
#: Every event that starts workflows (docs, "Events that trigger workflows"), with the keys it may have.
_EVENTS: dict[str, Collection[str]] = {
    **dict.fromkeys((
        "branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status",
        "discussion", "discussion_comment", "fork", "gollum", "image_version", "issue_comment", "issues", "label",
        "milestone", "page_build", "public", "pull_request_review", "pull_request_review_comment",
        "registry_package", "release", "repository_dispatch", "schedule", "status", "watch",
    ), _TYPES),
    "push": {"tags", "tags-ignore"} | _BRANCHES | _PATHS, "pull_request": _PULL, "pull_request_target": _PULL,
    "merge_group": _TYPES | _BRANCHES, "workflow_run": {"types", "workflows"} | _BRANCHES,
    "workflow_dispatch": {"inputs"}, "workflow_call": {"inputs", "outputs", "secrets"},
}  # fmt: skip


@dataclass(frozen=True)
class Mistake:
    """`near` is a word of the line to point at."""

    near: str
    message: str


def mistake(document: Mapping[str, Any]) -> Mistake | None:
    """The first thing that is wrong with a workflow file that has an `on` and jobs."""
    return next(_mistakes(document), None)


def _mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from _unknown(document, _TOP)
    yield from _filters(document["on"])
    jobs = document["jobs"]
    for name, job in jobs.items():
        near = f"{name}:"
        if not _ID.match(str(name)):
            yield Mistake(near, f"The identifier '{name}' is invalid: only letters, digits, '_' and '-'")
        if not isinstance(job, dict):
            yield Mistake(near, f"job '{name}' is not a mapping")
            continue
        yield from _job(str(name), job, jobs)
    yield from _circle(jobs)
    yield from _expressions(document)


def _unknown(mapping: Mapping[str, Any], known: Collection[str]) -> Iterator[Mistake]:
    return (Mistake(f"{key}:", f"Unexpected value '{key}'") for key in mapping if key not in known)


def _filters(on: Any) -> Iterator[Mistake]:
    for event in on if isinstance(on, dict | list) else [on]:
        if event not in _EVENTS:
            yield Mistake(str(event), f"Unexpected value '{event}'")
        elif isinstance(on, dict) and isinstance(on[event], dict):
            yield from _unknown(on[event], _EVENTS[event])
    for entry in (on.get("schedule") or []) if isinstance(on, dict) else ():
        try:
            cron.fields(str((entry if isinstance(entry, dict) else {}).get("cron")))
        except cron.CronError as error:
            yield Mistake("cron:", f"Invalid cron expression: {error}")
    for event, filters in on.items() if isinstance(on, dict) else ():
        if not isinstance(filters, dict):
            continue
        for kind in _FILTERS:
            if kind in filters and f"{kind}-ignore" in filters:
                message = f"you may only define one of `{kind}` and `{kind}-ignore` for a single event"
                yield Mistake(f"{kind}-ignore:", message)
        if event == "workflow_run" and not filters.get("workflows"):
            yield Mistake("workflow_run:", "Required property is missing: workflows")


def _job(name: str, job: Mapping[str, Any], jobs: Mapping[str, Any]) -> Iterator[Mistake]:
    near = f"{name}:"
    needs = job.get("needs") or []
    for need in [needs] if isinstance(needs, str) else needs:
        if need not in jobs:
            yield Mistake(near, f"Job '{name}' depends on unknown job '{need}'.")
    if isinstance(job.get("strategy"), dict):
        yield from _unknown(job["strategy"], _STRATEGY)
    if "uses" in job:
        yield from _unknown(job, _CALL)
        return
    yield from _unknown(job, _JOB)
    if not isinstance(job.get("steps"), list) or not job["steps"]:
        yield Mistake(near, f"job '{name}' has no steps")
        return
    if "runs-on" not in job:
        yield Mistake(near, f"Required property is missing: runs-on (job '{name}')")
    seen: set[str] = set()
    for step in job["steps"]:
        if not isinstance(step, dict) or ("run" in step) == ("uses" in step):
            yield Mistake(near, f"every step of job '{name}' must define either `run` or `uses`")
            continue
        yield from _unknown(step, _STEP)
        if "id" in step:
            if not _ID.match(str(step["id"])) or str(step["id"]).startswith("__") or str(step["id"]) in seen:
                yield Mistake(
                    f"id: {step['id']}", f"The identifier '{step['id']}' is invalid or used twice in job '{name}'."
                )
            seen.add(str(step["id"]))


def _circle(jobs: Mapping[str, Any]) -> Iterator[Mistake]:
    left = {str(name): set(_list(job.get("needs"))) for name, job in jobs.items() if isinstance(job, dict)}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    for name in left:
        yield Mistake(f"{name}:", f"Job '{name}' depends on itself through its `needs`.")


def _list(value: Any) -> list[str]:
    return [] if value is None else [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _expressions(document: Mapping[str, Any]) -> Iterator[Mistake]:
    for tree, allowed, bare in _places(document):
        for text in _strings(tree):
            try:
                templates.check(text, allowed, bare=bare)
            except ExpressionError as error:
                yield Mistake((text.strip().splitlines() or [""])[0], str(error))


def _places(document: Mapping[str, Any]) -> Iterator[tuple[Any, set[str], bool]]:
    """Every tree that may hold expressions, the contexts it may name, and whether it is one as it stands (`if`)."""
    yield from ((document.get(name), _EARLY, False) for name in ("run-name", "concurrency"))
    yield document.get("env"), _EARLY | {"secrets"}, False
    for job in document["jobs"].values():
        yield job.get("if"), _OF_JOB, True
        late = ("if", "steps", "outputs")
        yield {key: value for key, value in job.items() if key not in late}, _OF_LEG, False
        yield job.get("outputs"), _OF_STEP, False
        for step in job.get("steps") or []:
            yield step.get("if"), _OF_STEP, True
            yield {key: value for key, value in step.items() if key != "if"}, _OF_STEP, False


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str) and tree.strip():
        yield tree
    elif isinstance(tree, dict | list):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _strings(item)
