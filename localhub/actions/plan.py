"""From a workflow to what act is told to run: static matrix legs, names, and the document of a run. No I/O."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhub.actions import yaml12
from localhub.actions.workflows import Workflow, runner_labels

_MATRIX = re.compile(r"\$\{\{\s*matrix\.([\w.-]+)\s*\}\}")
_OUTPUT = re.compile(r"^\s*\$\{\{\s*steps\.([\w-]+)\.outputs\.([\w-]+)\s*\}\}\s*$")


@dataclass(frozen=True)
class Leg:
    """One job of a run: a job id and the values of its matrix (empty without one)."""

    job_id: str
    matrix: Mapping[str, Any]
    name: str

    @property
    def key(self) -> str:
        """What identifies the leg within its run."""
        return leg_key(self.job_id, self.matrix)


def leg_key(job_id: str, matrix: Mapping[str, Any]) -> str:
    """A stable text for a job id and its matrix values."""
    return f"{job_id} {json.dumps(matrix, sort_keys=True)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def leg_name(job_id: str, job: Mapping[str, Any], matrix: Mapping[str, Any]) -> str:
    """The name GitHub shows: the job's own, with matrix values put in, or added in brackets when it has none."""
    declared = str(job.get("name") or job_id)

    def value(match: re.Match[str]) -> str:
        found: Any = matrix
        for part in match[1].split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return "" if found is None else _scalar(found)

    if not matrix:
        return declared
    if "${{" in declared:
        return _MATRIX.sub(value, declared)
    flat: list[Any] = []
    for item in matrix.values():
        flat.extend(item.values() if isinstance(item, Mapping) else [item])
    return f"{declared} ({', '.join(_scalar(item) for item in flat)})"


def matrix_legs(matrix: Any) -> list[dict[str, Any]] | None:
    """The combinations of a matrix, by GitHub's include and exclude rules; None when expressions decide them."""
    if not isinstance(matrix, dict) or "${{" in json.dumps(matrix):
        return None
    axes = {k: v for k, v in matrix.items() if k not in ("include", "exclude")}
    if any(not isinstance(values, list) for values in axes.values()):
        return None
    combinations = (
        [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []
    )
    combinations = [c for c in combinations if not any(_covers(x, c) for x in matrix.get("exclude") or [])]
    originals = [dict(c) for c in combinations]
    for extra in matrix.get("include") or []:
        shared = {k: v for k, v in extra.items() if k in axes}
        fits = [c for c, first in zip(combinations, originals, strict=False) if axes and _covers(shared, first)]
        for combination in fits:
            combination.update(extra)
        if not fits:
            combinations.append(dict(extra))
    return combinations


def _covers(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    return all(key in whole and whole[key] == value for key, value in part.items())


def legs(workflow: Workflow) -> list[Leg]:
    """The jobs known before anything runs: those whose matrix does not depend on expressions."""
    found: list[Leg] = []
    for job_id, job in workflow.jobs.items():
        strategy = job.get("strategy") or {}
        if not isinstance(strategy, dict) or "matrix" not in strategy:
            found.append(Leg(job_id, {}, leg_name(job_id, job, {})))
            continue
        for matrix in matrix_legs(strategy["matrix"]) or []:
            found.append(Leg(job_id, matrix, leg_name(job_id, job, matrix)))
    return found


def first_legs(workflow: Workflow) -> list[Leg]:
    """The legs that GitHub queues at once: they wait for no other job and no condition."""
    waits = {k for k, job in workflow.jobs.items() if job.get("needs") or job.get("if") is not None}
    return [leg for leg in legs(workflow) if leg.job_id not in waits]


def step_names(job: Mapping[str, Any]) -> list[str]:
    """The names GitHub shows for the steps of a job."""
    names = []
    for step in job.get("steps") or []:
        text = str(step.get("name") or step.get("uses") or step.get("run") or "").strip().splitlines() or [""]
        names.append(text[0] if step.get("name") else f"Run {text[0]}")
    return names


def step_ids(job: Mapping[str, Any]) -> dict[str, int]:
    """From act's step id (the declared id, else the position) to the position."""
    return {str(step.get("id") or at): at for at, step in enumerate(job.get("steps") or [])}


def declared_outputs(job: Mapping[str, Any], seen: Mapping[tuple[str, str], str]) -> dict[str, str] | None:
    """The outputs of a finished job from its steps' outputs; None when one of them needs evaluating."""
    values = {}
    for name, expression in (job.get("outputs") or {}).items():
        match = _OUTPUT.match(str(expression))
        value = seen.get((match[1], match[2]), "") if match else str(expression)
        if "${{" in value or "***" in value:
            return None
        values[str(name)] = value
    return values


def document(workflow: Workflow, parallel: int) -> dict[str, Any]:
    """The workflow as act gets it: at most `parallel` legs at once, and checkouts without what act would refuse."""
    tree = copy.deepcopy(dict(workflow.document))
    for job in tree["jobs"].values():
        strategy = job.get("strategy")
        if isinstance(strategy, dict):
            asked = strategy.get("max-parallel")
            strategy["max-parallel"] = min(asked, parallel) if isinstance(asked, int) else parallel
        for step in job.get("steps") or []:
            if str(step.get("uses", "")).startswith("actions/checkout@") and isinstance(step.get("with"), dict):
                step["with"] = {k: v for k, v in step["with"].items() if k not in ("ref", "repository", "token")}
    return tree


def rerun(
    tree: dict[str, Any], done: Mapping[str, Mapping[str, str]], legs_left: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Change `tree` so that finished jobs only repeat their outputs and a matrix only runs `legs_left`.

    `done`: job id to its outputs. This is how a re-run of failed jobs keeps what had passed, for `needs`.
    """
    for job_id, outputs in done.items():
        script = "\n".join(
            f"printf '%s=%s\\n' {_quote(k)} {_quote(v)} >> \"$GITHUB_OUTPUT\"" for k, v in outputs.items()
        )
        tree["jobs"][job_id] = {
            "needs": tree["jobs"][job_id].get("needs", []),
            "if": "always()",
            "runs-on": "ubuntu-latest",
            "outputs": {name: f"${{{{ steps.kept.outputs.{name} }}}}" for name in outputs},
            "steps": [{"id": "kept", "run": script or ":"}],
        }
    for job_id, matrices in legs_left.items():
        tree["jobs"][job_id].setdefault("strategy", {})["matrix"] = {"include": [dict(m) for m in matrices]}


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def platforms(workflow: Workflow) -> list[str]:
    """The runner labels to point at the host, `ubuntu-latest` always among them."""
    labels: Collection[str] = {label for job in workflow.jobs.values() for label in runner_labels(job)}
    return sorted({"ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", *(one for one in labels if "${{" not in one)})


def used_actions(tree: Any) -> set[str]:
    """Every `uses:` of the setup actions anywhere in `tree`, as written (`actions/setup-python@v5`)."""
    if isinstance(tree, Mapping):
        own = {str(tree["uses"])} if str(tree.get("uses", "")).startswith("actions/setup-") else set()
        return own.union(*(used_actions(value) for value in tree.values()))
    return set().union(*(used_actions(item) for item in tree)) if isinstance(tree, list) else set()


def full_history(tree: Any) -> bool:
    """Whether some checkout asks for more than the one commit that `fetch-depth: 1` gives."""
    if isinstance(tree, Mapping):
        checks_out = str(tree.get("uses", "")).startswith("actions/checkout@")
        depth = (tree.get("with") or {}).get("fetch-depth", 1) if checks_out else 1
        return str(depth) != "1" or any(full_history(value) for value in tree.values())
    return any(full_history(item) for item in tree) if isinstance(tree, list) else False


def text(tree: Mapping[str, Any]) -> str:
    """`tree` as the text of a workflow file."""
    return yaml12.dump(dict(tree))
