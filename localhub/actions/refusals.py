"""What jobs here cannot do and so must not pretend to do: the job fails and says why. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from localhub.actions import templates, yaml12
from localhub.actions.expressions import ExpressionError, names, parse
from localhub.actions.templates import Known
from localhub.actions.values import text_of
from localhub.actions.workflows import Problem, Workflow, line_of, runner_labels

#: Actions that have a stand-in here (`stubs/`).
KNOWN_ACTIONS = (
    "actions/checkout", "actions/setup-python", "actions/setup-node", "actions/upload-artifact",
    "actions/download-artifact", "actions/cache", "actions/cache/restore", "actions/cache/save",
)  # fmt: skip
_LABELS = re.compile(r"^(ubuntu-.*|self-hosted|linux|x64)$", re.IGNORECASE)
#: Gives the text of a file of the commit, or None.
ReadText = Callable[[str], str | None]


def refusals(workflow: Workflow, job_id: str, job: Mapping[str, Any], known: Known, read: ReadText) -> list[Problem]:
    """Why a job cannot run here; empty when it can."""
    found: list[Problem] = []

    def refuse(word: str, message: str) -> None:
        found.append(Problem(workflow.path, line_of(workflow.text, word), message))

    for key in ("services", "container"):
        try:
            wish = templates.value(job.get(key), known)
        except ExpressionError:
            wish = job.get(key)
        if isinstance(wish, Mapping) and "image" in wish and key == "container":
            wish = wish["image"]
        if wish:
            refuse(f"{key}:", f"Job '{job_id}' uses `{key}:`, which needs Docker; localhub runs jobs without it.")
    labels = runner_labels({"runs-on": templates.value(job.get("runs-on"), known)})
    if bad := next((one for one in labels if not _LABELS.match(one)), None):
        refuse("runs-on:", f"Job '{job_id}' asks for the runner '{bad}'; localhub only has ubuntu runners.")
    for step in job["steps"]:
        if reason := step_refusal(step, known, read, 0):
            refuse(str(step["uses"]), f"Job '{job_id}': {reason}")
    return found


def step_refusal(step: Mapping[str, Any], known: Known, read: ReadText, depth: int) -> str | None:
    """Why a step cannot run here, if it cannot."""
    uses = str(step.get("uses") or "")
    if not uses:
        return None
    if uses.startswith("./"):
        return _local_action_refusal(uses, known, read, depth)
    if uses.split("@")[0] not in KNOWN_ACTIONS or "@" not in uses:
        return f"`uses: {uses}` is not available; localhub has {', '.join(KNOWN_ACTIONS)} and local actions (./path)."
    return _checkout_refusal(step.get("with") or {}, known) if uses.startswith("actions/checkout@") else None


def _checkout_refusal(inputs: Mapping[str, Any], known: Known) -> str | None:
    github = known.partial["github"]
    for name in ("repository", "ref", "path", "fetch-depth"):
        given = inputs.get(name)
        settled = templates.reduced(given, known)
        if any(names(parse(text)) for text in templates.expressions(str(settled))):
            return f"`actions/checkout` with `{name}: {given}` must be known before the job runs."
        other = text_of(templates.value(given, known)).lower() if name == "repository" else ""
        if other not in ("", github["repository"].lower()):
            return "`actions/checkout` of another repository needs the network, which jobs here do not have."
    for name in ("submodules", "lfs", "sparse-checkout"):
        if inputs.get(name) and str(inputs[name]).lower() != "false":
            return f"`actions/checkout` with `{name}:` is not available here."
    return None


def _local_action_refusal(uses: str, known: Known, read: ReadText, depth: int) -> str | None:
    folder = uses.removeprefix("./").strip("/")
    text = read(f"{folder}/action.yml") or read(f"{folder}/action.yaml")
    if text is None:
        # It may be made or checked out elsewhere by an earlier step; the step itself fails if it is not.
        return None
    if depth > 8:
        return f"the action `{uses}` is nested more than 8 deep."
    try:
        runs = (yaml12.load(text) or {}).get("runs") or {}
    except (yaml.YAMLError, AttributeError):
        return f"the action.yml of `{uses}` is not valid YAML."
    if str(runs.get("using")) == "docker":
        return f"the action `{uses}` runs in Docker, which localhub does not have."
    steps = [one for one in runs.get("steps") or [] if isinstance(one, dict)]
    if any("run" in one and "shell" not in one for one in steps):
        return f"a step of the action `{uses}` has `run` without `shell`, which is required there."
    inner = (step_refusal(one, known, read, depth + 1) for one in steps)
    return next((reason for reason in inner if reason), None)
