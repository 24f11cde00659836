"""Workflow files: parse them, decide which events start them, refuse what cannot be run here. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from localhub.actions import globs, yaml12

#: Actions that have a stand-in here; checkout is the run's own copy of the repository.
KNOWN_ACTIONS = ("actions/checkout", "actions/setup-python", "actions/setup-node")
#: `types` when a workflow names none (docs.github.com, "Events that trigger workflows").
PULL_REQUEST_TYPES = ("opened", "synchronize", "reopened")
_LABELS = re.compile(r"^(ubuntu-.*|self-hosted|linux|x64)$", re.IGNORECASE)
_OWN_REF = re.compile(r"^(\$\{\{\s*github\.(sha|ref)\s*\}\})?$")


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


@dataclass(frozen=True)
class Trigger:
    """What happened. `ref` is the full name of the pushed ref, or of the base branch for a pull request.

    `paths` are the changed files; None when they cannot be known (a new branch), which passes every path filter.
    """

    event: str
    ref: str
    action: str | None = None
    paths: tuple[str, ...] | None = None


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
    for name, job in jobs.items():
        wrong = _job_error(str(name), job, jobs)
        if wrong:
            return Problem(path, line_of(text, f"{name}:"), f"Invalid workflow file: {wrong}")
    title = str(document.get("name") or path)
    return Workflow(path, title, events, {str(k): v for k, v in jobs.items()}, document, text)


def _job_error(name: str, job: Any, jobs: Mapping[str, Any]) -> str | None:
    if not isinstance(job, dict):
        return f"job '{name}' is not a mapping"
    if "uses" in job:
        return None
    if not isinstance(job.get("steps"), list) or not job["steps"]:
        return f"job '{name}' has no steps"
    if "runs-on" not in job:
        return f"Required property is missing: runs-on (job '{name}')"
    for step in job["steps"]:
        if not isinstance(step, dict) or ("run" in step) == ("uses" in step):
            return f"every step of job '{name}' must define either `run` or `uses`"
    unknown = [need for need in _strings(job.get("needs")) if need not in jobs]
    return f"job '{name}' depends on unknown job '{unknown[0]}'" if unknown else None


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
    if trigger.event == "pull_request":
        types = _strings(filters.get("types")) or list(PULL_REQUEST_TYPES)
        if trigger.action not in types:
            return False
    elif trigger.event not in ("push", "merge_group"):
        return True
    return _ref_passes(filters, trigger.ref) and _paths_pass(filters, trigger)


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


def refusals(workflow: Workflow, read: Callable[[str], str | None]) -> list[Problem]:
    """What this runner cannot do and so must not pretend to do. `read` gives a file of the commit, or None."""
    found: list[Problem] = []

    def refuse(word: str, message: str) -> None:
        found.append(Problem(workflow.path, line_of(workflow.text, word), message))

    for name, job in workflow.jobs.items():
        if "uses" in job:
            refuse("uses:", f"Job '{name}' calls a reusable workflow, which localhub cannot run.")
            continue
        for key in ("services", "container"):
            if job.get(key):
                refuse(f"{key}:", f"Job '{name}' uses `{key}:`, which needs Docker; localhub runs jobs without it.")
        if bad := _bad_label(job):
            refuse("runs-on:", f"Job '{name}' asks for the runner '{bad}'; localhub only has ubuntu runners.")
        for step in job["steps"]:
            if reason := _step_refusal(step, read, 0):
                refuse(str(step["uses"]), f"Job '{name}': {reason}")
    return found


def runner_labels(job: Mapping[str, Any]) -> list[str]:
    """The labels of `runs-on`, whichever of its three forms is used."""
    value = job.get("runs-on")
    if isinstance(value, dict):
        value = value.get("labels", "self-hosted")
    return _strings(value)


def _bad_label(job: Mapping[str, Any]) -> str | None:
    return next((one for one in runner_labels(job) if "${{" not in one and not _LABELS.match(one)), None)


def _step_refusal(step: Mapping[str, Any], read: Callable[[str], str | None], depth: int) -> str | None:
    uses = str(step.get("uses") or "")
    if not uses:
        return None
    if uses.startswith("./"):
        return _local_action_refusal(uses, read, depth)
    if uses.split("@")[0] not in KNOWN_ACTIONS or "@" not in uses:
        return f"`uses: {uses}` is not available; localhub has {', '.join(KNOWN_ACTIONS)} and local actions (./path)."
    inputs = step.get("with") or {}
    if uses.startswith("actions/checkout@"):
        if inputs.get("repository") and "github.repository" not in str(inputs["repository"]):
            return "`actions/checkout` of another repository needs the network, which jobs here do not have."
        if not _OWN_REF.match(str(inputs.get("ref") or "")):
            return "`actions/checkout` with `ref:` is not available; localhub checks out the run's own commit."
    return None


def _local_action_refusal(uses: str, read: Callable[[str], str | None], depth: int) -> str | None:
    folder = uses.removeprefix("./").strip("/")
    text = read(f"{folder}/action.yml") or read(f"{folder}/action.yaml")
    if text is None:
        return f"the action `{uses}` has no action.yml in this commit."
    if depth > 8:
        return f"the action `{uses}` is nested more than 8 deep."
    try:
        runs = (yaml12.load(text) or {}).get("runs") or {}
    except (yaml.YAMLError, AttributeError):
        return f"the action.yml of `{uses}` is not valid YAML."
    if str(runs.get("using")) == "docker":
        return f"the action `{uses}` runs in Docker, which localhub does not have."
    inner = (_step_refusal(one, read, depth + 1) for one in runs.get("steps") or [] if isinstance(one, dict))
    return next((reason for reason in inner if reason), None)
