"""Reusable workflows: what a job with `uses: ./.github/workflows/…` calls, gives and gets back. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from localhub.actions import templates
from localhub.actions.templates import Known
from localhub.actions.values import text_of, truthy
from localhub.actions.workflows import Problem, Workflow

#: Gives the workflow at a path of the run's commit, None when there is no such file.
Read = Callable[[str], Workflow | Problem | None]
_LOCAL = re.compile(r"^\./(\.github/workflows/[^/]+\.ya?ml)$")


class CallError(Exception):
    """A call that cannot be made; the message says why."""


def callee(job: Mapping[str, Any], read: Read) -> Workflow:
    """The workflow that a job calls."""
    uses = str(job.get("uses"))
    match = _LOCAL.match(uses)
    if match is None:
        raise CallError(f"`uses: {uses}`: localhub only calls workflows of the same commit (./.github/workflows/…).")
    found = read(match[1])
    if found is None:
        raise CallError(f"`uses: {uses}`: workflow was not found.")
    if isinstance(found, Problem):
        raise CallError(f"`uses: {uses}`: {found.message}")
    if "workflow_call" not in found.on:
        raise CallError(f"`uses: {uses}`: workflow is not reusable as it is missing a `on.workflow_call` trigger.")
    return found


def inputs(workflow: Workflow, job: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The inputs of a called workflow, with their defaults and types."""
    declared = workflow.on["workflow_call"].get("inputs") or {}
    given = templates.value(job.get("with") or {}, known)
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise CallError(f"Invalid input, {unknown[0]} is not defined in the referenced workflow.")
    return {name: typed(name, facts or {}, given.get(name)) for name, facts in declared.items()}


def typed(name: str, facts: Mapping[str, Any], value: Any) -> Any:
    """One input by its declaration; CallError for one that is missing or of another type."""
    if value is None:
        if truthy(facts.get("required")) and facts.get("default") is None:
            raise CallError(f"Input {name} is required, but not provided while calling.")
        value = facts.get("default")
    match facts.get("type", "string"):
        case "boolean":
            if value in (None, ""):
                return False
            if text_of(value).lower() not in ("true", "false"):
                raise CallError(f"Provided value '{text_of(value)}' for input '{name}' is not a boolean.")
            return text_of(value).lower() == "true"
        case "number":
            try:
                number = float(text_of(value) or 0)
            except ValueError:
                raise CallError(f"Provided value '{text_of(value)}' for input '{name}' is not a number.") from None
            return int(number) if number.is_integer() else number
        case "choice":
            options = [text_of(one) for one in facts.get("options") or []]
            chosen = text_of(value) if value is not None else (options[0] if options else "")
            if options and chosen not in options:
                raise CallError(f"Provided value '{chosen}' for input '{name}' not in the list of allowed values.")
            return chosen
    return text_of(value)


def secrets(workflow: Workflow, job: Mapping[str, Any], known: Known) -> dict[str, str]:
    """The secrets that a called workflow sees: all with `inherit`, else the ones handed over."""
    outer: Mapping[str, str] = known.whole.get("secrets", {})
    wish = job.get("secrets")
    if wish == "inherit":
        return dict(outer)
    given = {name: text_of(value) for name, value in templates.value(wish or {}, known).items()}
    declared = workflow.on["workflow_call"].get("secrets") or {}
    missing = [name for name, facts in declared.items() if truthy((facts or {}).get("required")) and name not in given]
    if missing:
        raise CallError(f"Secret {missing[0]} is required, but not provided while calling.")
    return given


def outputs(workflow: Workflow, known: Known) -> dict[str, str]:
    """What a called workflow gives back, once its jobs have ended."""
    declared = workflow.on["workflow_call"].get("outputs") or {}
    return {name: text_of(templates.value((facts or {}).get("value"), known)) for name, facts in declared.items()}
