"""From a workflow and what its jobs have done so far to the jobs that come next. No I/O.

Called anew after every change: a job whose `needs` have ended is judged by its `if` and becomes legs of its matrix, or
is skipped; a job that calls a reusable workflow stands for the jobs in there, whose keys and names begin with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localhub.actions import calling, templates
from localhub.actions.expressions import ExpressionError
from localhub.actions.plan import Leg, MatrixError, leg_key, leg_name, matrix_legs, needed
from localhub.actions.templates import Known
from localhub.actions.values import truthy
from localhub.actions.workflows import Workflow, runner_labels

CALL_DEPTH = 10
#: Between the key of a calling job and a job in there; JSON, of which keys are made, cannot hold this sign.
INTO = " → "


@dataclass(frozen=True)
class Seen:
    """A job as it stands. `group` is its job id with the calls before it; `old` ones are kept of an earlier attempt."""

    key: str
    group: str
    matrix: Mapping[str, Any]
    conclusion: str | None
    outputs: Mapping[str, str] = field(default_factory=dict)
    tolerated: bool = False
    old: bool = False


@dataclass(frozen=True)
class Scope:
    """A workflow in its place: called ones have a prefix for keys, one for names, and inputs of their own."""

    workflow: Workflow
    prefix: str
    title: str
    known: Known
    depth: int = 0

    def with_contexts(self, **contexts: Any) -> Known:
        return Known({**self.known.whole, **contexts}, self.known.partial)


@dataclass(frozen=True)
class Ended:
    """A job that has ended, as `needs` shows it; `chain` are the results of it and of all it stood on."""

    result: str
    outputs: Mapping[str, str]
    chain: frozenset[str]


@dataclass(frozen=True)
class Place:
    """A leg with what surrounds it."""

    leg: Leg
    scope: Scope
    job: Mapping[str, Any]
    known: Known


@dataclass(frozen=True)
class New:
    """A job to make: queued, or ended at once. `problem` says why it failed."""

    leg: Leg
    conclusion: str | None = None
    problem: str | None = None


class Graph:
    """`new` are the jobs to make, `places` the ones that wait or run, by key; `done` when nothing is left to do."""

    def __init__(
        self, workflow: Workflow, known: Known, seen: Iterable[Seen], read: calling.Read, *, cancelled: bool = False
    ) -> None:
        self.new: list[New] = []
        self.places: dict[str, Place] = {}
        self.stands_on: dict[str, list[str]] = {}
        self._read = read
        self._cancelled = cancelled
        self._seen: dict[str, list[Seen]] = {}
        for one in seen:
            self._seen.setdefault(one.group, []).append(one)
        ended = self._workflow(Scope(workflow, "", "", known))
        self.done = all(result is not None for result in ended.values()) and not self.new

    def _workflow(self, scope: Scope) -> dict[str, Ended | None]:
        ended: dict[str, Ended | None] = {}
        for job_id in in_order(scope.workflow.jobs):
            job = scope.workflow.jobs[job_id]
            before = {need: ended[need] for need in needed(job)}
            self.stands_on[scope.prefix + job_id] = [scope.prefix + need for need in before]
            if any(one is None for one in before.values()):
                ended[job_id] = None
            else:
                ended[job_id] = self._job(scope, job_id, {k: v for k, v in before.items() if v is not None})
        return ended

    def _job(self, scope: Scope, job_id: str, before: Mapping[str, Ended]) -> Ended | None:
        job, group = scope.workflow.jobs[job_id], scope.prefix + job_id
        needs = {name: {"result": one.result, "outputs": dict(one.outputs)} for name, one in before.items()}
        known = scope.with_contexts(needs=needs)
        chain = frozenset[str]().union(*(one.chain for one in before.values()))
        rows = self._seen.get(group, [])
        inside = any(other.startswith(group + " ") for other in self._seen)
        try:
            if not rows and not inside and not self._wanted(job, known, chain):
                return self._at_once(scope, job_id, "skipped", None, chain)
            ended = bool(rows) and all(row.conclusion for row in rows)
            again = any(row.old for row in rows) and _in_legs(rows, group)
            if ended and not again:
                return _ended(rows, chain)
            places = self._places(scope, job_id, known)
            if "uses" in job:
                return self._called(places, group, chain)
        except (ExpressionError, MatrixError, calling.CallError) as error:
            return self._at_once(scope, job_id, "failure", str(error), chain)
        # In a new attempt legs may be missing that are to run again, beside those kept of an earlier one.
        there = {row.key for row in rows}
        missing = [New(place.leg) for place in places if place.leg.key not in there] if again or not rows else []
        if ended and not missing:
            return _ended(rows, chain)
        self.places |= {place.leg.key: place for place in places}
        self.new += missing
        return None

    def _wanted(self, job: Mapping[str, Any], known: Known, chain: frozenset[str]) -> bool:
        return templates.condition(job.get("if"), known, self.status(chain))

    def status(self, chain: frozenset[str]) -> dict[str, Callable[[], bool]]:
        """The status functions of a job that stands on jobs with these results."""
        return {
            "success": lambda: not self._cancelled and chain <= {"success"},
            "failure": lambda: "failure" in chain,
            "cancelled": lambda: self._cancelled,
            "always": lambda: True,
        }

    def _at_once(self, scope: Scope, job_id: str, result: str, problem: str | None, chain: frozenset[str]) -> Ended:
        job = scope.workflow.jobs[job_id]
        try:
            name = str(templates.value(job.get("name") or job_id, scope.known))
        except ExpressionError:
            name = str(job.get("name") or job_id)
        key = leg_key(scope.prefix + job_id, {})
        self.new.append(New(Leg(scope.prefix + job_id, {}, scope.title + name, key=key), result, problem))
        return Ended(result, {}, chain | {result})

    def _places(self, scope: Scope, job_id: str, known: Known) -> list[Place]:
        job, group = scope.workflow.jobs[job_id], scope.prefix + job_id
        strategy = templates.value(job.get("strategy") or {}, known)
        legs = matrix_legs(strategy["matrix"]) if "matrix" in strategy else [{}]
        places = []
        for index, matrix in enumerate(legs):
            facts = {
                "fail-fast": truthy(strategy.get("fail-fast", True)),
                "job-index": index,
                "job-total": len(legs),
                "max-parallel": strategy.get("max-parallel") or len(legs),
            }
            around = Known({**known.whole, "matrix": dict(matrix), "strategy": facts}, known.partial)
            name = scope.title + leg_name(job_id, job, matrix, around)
            places.append(Place(_leg(group, matrix, name, job, around), scope, job, around))
        return places

    def _called(self, places: list[Place], group: str, chain: frozenset[str]) -> Ended | None:
        """The jobs of the workflow that each leg calls; what they came to once all have ended."""
        results: list[Ended | None] = []
        for place in places:
            depth = place.scope.depth + 1
            if depth > CALL_DEPTH:
                raise calling.CallError(f"workflows call each other more than {CALL_DEPTH} deep")
            workflow = calling.callee(place.job, self._read)
            inputs = calling.inputs(workflow, place.job, place.known)
            own = {"inputs": inputs, "secrets": calling.secrets(workflow, place.job, place.known)}
            outer = place.scope.known
            whole = {name: outer.whole[name] for name in ("vars",) if name in outer.whole} | own
            scope = Scope(workflow, place.leg.key + INTO, f"{place.leg.name} / ", Known(whole, outer.partial), depth)
            inner = self._workflow(scope)
            ended = {name: one for name, one in inner.items() if one is not None}
            if len(ended) < len(inner):
                results.append(None)
                continue
            jobs = {name: {"result": one.result, "outputs": dict(one.outputs)} for name, one in ended.items()}
            outputs = calling.outputs(workflow, scope.with_contexts(jobs=jobs))
            results.append(Ended(worst(one.result for one in ended.values()), outputs, frozenset()))
        whole_results = [one for one in results if one is not None]
        if len(whole_results) < len(results):
            return None
        outputs = {name: text for one in whole_results for name, text in one.outputs.items()}
        result = worst(one.result for one in whole_results)
        return Ended(result, outputs, chain | {result})


def _leg(group: str, matrix: Mapping[str, Any], name: str, job: Mapping[str, Any], known: Known) -> Leg:
    """A leg with what the queue has to know of it."""
    if "uses" in job:
        return Leg(group, matrix, name)
    wish = templates.value(job.get("concurrency"), known)
    wish = {"group": wish} if isinstance(wish, str) else (wish or {})
    strategy = known.whole["strategy"]
    return Leg(
        group,
        matrix,
        name,
        labels=tuple(runner_labels({"runs-on": templates.value(job.get("runs-on"), known)})),
        tolerated=truthy(templates.value(job.get("continue-on-error"), known)),
        fail_fast=bool(strategy["fail-fast"]),
        parallel=int(strategy["max-parallel"]),
        concurrency=str(wish["group"]) if wish.get("group") else None,
        cancels=truthy(wish.get("cancel-in-progress")) and str(wish.get("cancel-in-progress")).lower() != "false",
    )


def in_order(jobs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Job ids, each after those it needs (the file has been checked for circles)."""
    found: list[str] = []

    def visit(job_id: str) -> None:
        for need in needed(jobs[job_id]):
            visit(need)
        if job_id not in found:
            found.append(job_id)

    for job_id in jobs:
        visit(job_id)
    return found


def worst(results: Iterable[str]) -> str:
    """The result of a job with several legs, or of a call."""
    found = set(results)
    return next((one for one in ("failure", "cancelled", "success") if one in found), "skipped")


def _in_legs(rows: list[Seen], group: str) -> bool:
    """Whether a job came to legs: one that was skipped, or whose matrix was wrong, is there as a whole."""
    return all(row.key != leg_key(group, {}) for row in rows)


def _ended(rows: list[Seen], chain: frozenset[str]) -> Ended:
    results = ["success" if row.tolerated and row.conclusion == "failure" else str(row.conclusion) for row in rows]
    outputs = {name: text for row in rows for name, text in row.outputs.items() if text}
    result = worst(results)
    return Ended(result, outputs, chain | {result})


def groups_around(group: str) -> list[str]:
    """A group and the calls that it is in: `a {} → b {} → c` is in `a {} → b` and in `a`."""
    parts = group.split(INTO)
    return [INTO.join([*parts[:at], part.split(" {", 1)[0]]) for at, part in enumerate(parts)]


def to_run_again(graph: Graph, rows: Iterable[Seen], bad: set[str]) -> set[str]:
    """The keys to run again when those in `bad` do: they, and everything that stands on them."""
    rows = list(rows)
    touched = {group for row in rows if row.key in bad for group in groups_around(row.group)}
    anew: set[str] = set()
    while fresh := {g for g, needs in graph.stands_on.items() if g not in anew and touched & set(needs)}:
        anew |= fresh
        touched |= {each for group in fresh for each in groups_around(group)}
    return {row.key for row in rows if row.key in bad or anew & set(groups_around(row.group))}
