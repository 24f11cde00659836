"""From a workflow to what act is told to run: matrix legs, names, and the document of one job. No I/O."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhub.actions import templates, yaml12
from localhub.actions.templates import Known
from localhub.actions.values import equal, text_of
from localhub.actions.workflows import Workflow

MATRIX_LIMIT = 256
#: The step that is added to every job with outputs; it writes them, evaluated, where the log shows them.
OUTPUTS_STEP = "localhub_outputs"
#: What GitHub runs scripts with (docs.github.com, "Workflow syntax", `jobs.<job_id>.steps[*].shell`).
_SHELLS = {"": "bash -e {0}", "bash": "bash --noprofile --norc -eo pipefail {0}", "sh": "sh -e {0}"}


class MatrixError(Exception):
    """A matrix that makes no jobs; the message says why."""


@dataclass(frozen=True)
class Leg:
    """One job of a run: its group (the job id, with the calls around it) and the values of its matrix."""

    group: str
    matrix: Mapping[str, Any]
    name: str
    labels: Sequence[str] = ()
    tolerated: bool = False
    fail_fast: bool = True
    parallel: int = MATRIX_LIMIT
    concurrency: str | None = None
    cancels: bool = False
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", leg_key(self.group, self.matrix))


def leg_key(group: str, matrix: Mapping[str, Any]) -> str:
    """What identifies a leg within its run."""
    return f"{group} {json.dumps(matrix, sort_keys=True)}"


def _shown(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else text_of(value)


def leg_name(job_id: str, job: Mapping[str, Any], matrix: Mapping[str, Any], known: Known) -> str:
    """The name GitHub shows: the job's own, evaluated, or with the matrix values in brackets when it says no values."""
    declared = str(job.get("name") or job_id)
    if "${{" in declared:
        return text_of(templates.value(declared, known))
    flat: list[Any] = []
    for item in matrix.values():
        flat.extend(item.values() if isinstance(item, Mapping) else [item])
    return f"{declared} ({', '.join(_shown(item) for item in flat)})" if flat else declared


def matrix_legs(matrix: Any) -> list[dict[str, Any]]:
    """The combinations of an evaluated matrix, by GitHub's include and exclude rules."""
    if not isinstance(matrix, Mapping):
        raise MatrixError("Matrix must be a mapping.")
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    for name, values in axes.items():
        if not isinstance(values, list):
            raise MatrixError(f"Matrix vector '{name}' is not a sequence.")
        if not values:
            raise MatrixError(f"Matrix vector '{name}' does not contain any values.")
    combinations = (
        [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []
    )
    combinations = [c for c in combinations if not any(_covers(x, c) for x in matrix.get("exclude") or [])]
    originals = [dict(c) for c in combinations]
    for extra in matrix.get("include") or []:
        shared = {name: value for name, value in extra.items() if name in axes}
        fits = [c for c, first in zip(combinations, originals, strict=False) if axes and _covers(shared, first)]
        for combination in fits:
            combination.update(extra)
        if not fits:
            combinations.append(dict(extra))
    if not combinations:
        raise MatrixError("Matrix must define at least one vector.")
    if len(combinations) > MATRIX_LIMIT:
        raise MatrixError(f"Matrix exceeds the maximum of {MATRIX_LIMIT} jobs.")
    return combinations


def _covers(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    return all(name in whole and _same(whole[name], value) for name, value in part.items())


def _same(one: Any, other: Any) -> bool:
    return one == other if isinstance(one, dict | list) else equal(one, other)


def needed(job: Mapping[str, Any]) -> list[str]:
    """The job ids in `needs`, which may be one or a list."""
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else [str(need) for need in needs]


def step_names(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names GitHub shows for steps, as far as they are known before the job runs."""
    names = []
    for step in steps:
        text = str(step.get("name") or step.get("uses") or step.get("run") or "").strip().splitlines() or [""]
        names.append(text[0] if step.get("name") else f"Run {text[0]}")
    return names


def step_ids(steps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """From act's step id (the declared id, else the position) to the position."""
    return {str(step.get("id") or at): at for at, step in enumerate(steps)}


def document(workflow: Workflow, job_id: str, job: Mapping[str, Any], known: Known, event: str) -> dict[str, Any]:
    """A workflow of this one leg, as act gets it: what other jobs and the matrix decide is decided already."""
    whole = {name: value for name, value in known.whole.items() if name != "secrets"}
    known = Known(whole, known.partial)
    usual = _usual_shell(job) or _usual_shell(workflow.document)
    steps = [_step(step, known, usual) for step in job["steps"]]
    if job.get("outputs"):
        steps.append(_outputs_step(templates.reduced(job["outputs"], known)))
    only: dict[str, Any] = {"runs-on": "ubuntu-latest", "steps": steps}
    only |= {name: templates.reduced(job[name], known) for name in ("env", "defaults") if job.get(name)}
    if known.whole.get("matrix"):
        only["strategy"] = {"matrix": {"include": [dict(known.whole["matrix"])]}}
    tree: dict[str, Any] = {"name": workflow.name, "on": _on(event)}
    tree |= {n: templates.reduced(workflow.document[n], known) for n in ("env", "defaults") if workflow.document.get(n)}
    return {**tree, "jobs": {job_id: only}}


def _on(event: str) -> Any:
    return {"schedule": [{"cron": "0 0 * * *"}]} if event == "schedule" else event


def _usual_shell(tree: Mapping[str, Any]) -> Any:
    defaults = tree.get("defaults")
    run = defaults.get("run") if isinstance(defaults, Mapping) else None
    return run.get("shell") if isinstance(run, Mapping) else None


def _step(step: Mapping[str, Any], known: Known, usual: Any) -> dict[str, Any]:
    """A step as act gets it; `usual` is the shell of those that name none."""
    ready = {name: templates.reduced(value, known) for name, value in step.items() if name != "if"}
    shell = str(ready.get("shell") or usual or "")
    if "run" in ready and shell in _SHELLS:
        ready["shell"] = f"/run/localhub/linger {_SHELLS[shell]}"
    return ready | ({"if": templates.reduced_if(step["if"], known)} if step.get("if") is not None else {})


def _outputs_step(outputs: Mapping[str, Any]) -> dict[str, Any]:
    end = "_localhub_end_of_output_"
    lines = [
        f"{{ echo '{name}<<{end}'; printf '%s\\n' \"$LOCALHUB_{at}\"; echo {end}; }} >> \"$GITHUB_OUTPUT\""
        for at, name in enumerate(outputs)
    ]
    values = {f"LOCALHUB_{at}": text_of(text) for at, text in enumerate(outputs.values())}
    script = "\n".join(lines)
    return {"id": OUTPUTS_STEP, "if": "always()", "shell": "sh", "working-directory": "/", "env": values, "run": script}


def used_actions(tree: Any) -> set[str]:
    """Every `uses:` of a published action anywhere in `tree`, as written (`actions/setup-python@v5`)."""
    if isinstance(tree, Mapping):
        uses = str(tree.get("uses") or "")
        own = {uses} if "@" in uses else set()
        return own.union(*(used_actions(value) for value in tree.values()))
    return set().union(*(used_actions(item) for item in tree)) if isinstance(tree, list) else set()


def needs_node(tree: Any) -> bool:
    """Whether act itself may need Node.js for this: for `hashFiles` and for actions that the repository brings."""
    if isinstance(tree, Mapping):
        return str(tree.get("uses") or "").startswith("./") or any(needs_node(item) for item in tree.values())
    if isinstance(tree, list):
        return any(needs_node(item) for item in tree)
    return isinstance(tree, str) and "hashfiles" in tree.lower()


def text(tree: Mapping[str, Any]) -> str:
    """`tree` as the text of a workflow file."""
    return yaml12.dump(dict(tree))
