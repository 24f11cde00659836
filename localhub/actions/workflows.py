"""Workflow files: parse them and decide which events start them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from localhub.actions import globs, grammar, yaml12

#: `types` when a workflow names none (docs.github.com, "Events that trigger workflows"); other events: all of them.
PULL_REQUEST_TYPES = ("opened", "synchronize", "reopened")
_REF_EVENTS = ("push", "pull_request", "pull_request_target", "workflow_run", "merge_group")
_PATH_EVENTS = ("push", "pull_request", "pull_request_target")


@dataclass(frozen=True)
class Problem:
    """Why a workflow cannot run: shown as an annotation on `path` at `line`."""

    path: str
    line: int
    message: str


@dataclass(frozen=True)
class Workflow:
    """A parsed workflow file. `on` maps event names to their filters, `jobs` keeps the file's order."""

    path: str
    name: str
    on: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Mapping[str, Any]]
    document: Mapping[str, Any]
    text: str

    @property
    def crons(self) -> list[str]:
        """The lines of `on.schedule`."""
        on = self.document["on"]
        entries = (on.get("schedule") if isinstance(on, dict) else None) or []
        return [str(entry["cron"]) for entry in entries if isinstance(entry, dict) and "cron" in entry]


@dataclass(frozen=True)
class Trigger:
    """What happened. `ref` is the full name of the pushed ref, or of the base branch for a pull request.

    `paths` are the changed files; None when they cannot be known (a new branch), which passes every path filter.
    `workflow` is the name of the workflow whose run is told of (`workflow_run`), or the line that is due (`schedule`).
    """

    event: str
    ref: str
    action: str | None = None
    paths: tuple[str, ...] | None = None
    workflow: str | None = None


def is_workflow_path(path: str) -> bool:
    """Whether GitHub reads `path` as a workflow file."""
    return path.startswith(".github/workflows/") and path.count("/") == 2 and path.endswith((".yml", ".yaml"))


def _strings(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _events(value: Any) -> dict[str, dict[str, Any]] | None:
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list):
        return {str(item): {} for item in value}
    if isinstance(value, dict):
        return {str(name): (filters if isinstance(filters, dict) else {}) for name, filters in value.items()}
    return None


def parse(path: str, text: str) -> Workflow | Problem:
    """The workflow in `text`, or what is wrong with the file."""
    try:
        document = yaml12.load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return Problem(path, mark.line + 1 if mark else 1, f"Invalid workflow file: {error}")
    if not isinstance(document, dict):
        return Problem(path, 1, "Invalid workflow file: the document is not a mapping")
    events = _events(document.get("on"))
    if not events:
        return Problem(path, 1, "Invalid workflow file: No event triggers defined in `on`")
    jobs = document.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        return Problem(path, line_of(text, "jobs:"), "Invalid workflow file: No jobs defined in `jobs`")
    wrong = grammar.mistake(document)
    if wrong:
        return Problem(path, line_of(text, wrong.near), f"Invalid workflow file: {wrong.message}")
    title = str(document.get("name") or path)
    return Workflow(path, title, events, {str(k): v for k, v in jobs.items()}, document, text)


def line_of(text: str, word: str) -> int:
    """The first line (from 1) whose text starts with or holds `word`; 1 when there is none."""
    lines = text.splitlines()
    for test in (str.startswith, str.__contains__):
        for number, line in enumerate(lines, 1):
            if test(line.strip().removeprefix("- "), word):
                return number
    return 1


def starts(workflow: Workflow, trigger: Trigger) -> bool:
    """Whether `trigger` starts a run of `workflow`."""
    filters = workflow.on.get(trigger.event)
    if filters is None:
        return False
    types = _strings(filters.get("types"))
    if not types and trigger.event in ("pull_request", "pull_request_target"):
        types = list(PULL_REQUEST_TYPES)
    if types and trigger.action is not None and trigger.action not in types:
        return False
    if trigger.event == "workflow_run" and trigger.workflow not in _strings(filters.get("workflows")):
        return False
    if trigger.event == "schedule" and trigger.workflow not in workflow.crons:
        return False
    if trigger.event in _REF_EVENTS and not _ref_passes(filters, trigger.ref):
        return False
    return trigger.event not in _PATH_EVENTS or _paths_pass(filters, trigger)


def _ref_passes(filters: Mapping[str, Any], ref: str) -> bool:
    kind, other = ("tags", "branches") if ref.startswith("refs/tags/") else ("branches", "tags")
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if kind in filters:
        return globs.selects(_strings(filters[kind]), name)
    if f"{kind}-ignore" in filters:
        return not globs.selects(_strings(filters[f"{kind}-ignore"]), name)
    # Only filters of the other kind: a push of this kind does not start the workflow.
    return not (other in filters or f"{other}-ignore" in filters)


def _paths_pass(filters: Mapping[str, Any], trigger: Trigger) -> bool:
    if trigger.paths is None or trigger.ref.startswith("refs/tags/"):
        return True
    if "paths" in filters:
        return globs.any_selected(_strings(filters["paths"]), trigger.paths)
    if "paths-ignore" in filters:
        return not trigger.paths or not globs.all_selected(_strings(filters["paths-ignore"]), trigger.paths)
    return True


def runner_labels(job: Mapping[str, Any]) -> list[str]:
    """The labels of `runs-on`, whichever of its three forms is used."""
    value = job.get("runs-on")
    if isinstance(value, dict):
        value = value.get("labels", "self-hosted")
    return _strings(value)
