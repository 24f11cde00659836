"""From a job in the queue to what the runner needs to run it, or why it cannot run."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub.actions import artifacts, plan, refusals, state, templates
from localhub.actions.checkouts import Checkout
from localhub.actions.expressions import ExpressionError
from localhub.actions.graph import Place
from localhub.actions.runner import Request
from localhub.actions.surroundings import environment
from localhub.actions.templates import Known
from localhub.actions.values import number_of, text_of
from localhub.actions.workflows import Problem
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

DEFAULT = "run"


def request_for(hub: Hub, run: Row, row: Row, time_limit: float) -> Request | list[Problem]:
    """What to run for a queued job."""
    workflow = state.workflow_of(hub, run)
    if isinstance(workflow, Problem):
        return [workflow]
    known = state.known_of(hub, run, workflow, secrets=True)
    place = state.graph_of(hub, run, workflow, known=known).places.get(row["key"])
    if place is None:
        return [Problem(workflow.path, 1, f"The job {row['name']} is not in the workflow file any more.")]

    def read(path: str) -> str | None:
        return state.text_at(hub, run["repo_id"], run["checkout_sha"], path)

    flow, job_id = place.scope.workflow, row["job_id"].rsplit(" ", 1)[-1]
    try:
        problems = refusals.refusals(flow, job_id, place.job, place.known, read)
        return problems or _request(hub, run, place, job_id, time_limit)
    except ExpressionError as error:
        return [Problem(flow.path, 1, f"Job '{job_id}': {error}")]


def _request(hub: Hub, run: Row, place: Place, job_id: str, time_limit: float) -> Request:
    github = place.known.partial["github"]
    document = plan.document(place.scope.workflow, job_id, place.job, place.known, run["event"])
    steps = document["jobs"][job_id]["steps"]
    minutes = templates.value(place.job.get("timeout-minutes"), place.known)
    limit = number_of(minutes) * 60 if minutes is not None else time_limit
    return Request(
        document=document,
        steps=[_named(step, place.known) for step in place.job["steps"]],
        git_dir=hub.git_dir(run["repo_id"]),
        sha=run["checkout_sha"],
        checkouts=_checkouts(hub, run, steps, place.known),
        event_name=run["event"],
        event=github["event"],
        actor=github["actor"],
        env=environment(github),
        secrets={name: text_of(value) for name, value in place.known.whole["secrets"].items()},
        variables=place.known.whole["vars"],
        lay=(lambda folder: artifacts.lay(hub, run, folder)) if "artifact@" in plan.text(document) else None,
        take=lambda folder: artifacts.take(hub, run, folder),
        time_limit=min(limit, time_limit) if limit > 0 else time_limit,
    )


def _named(step: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """A step with the words of its name evaluated, where they are known before it runs."""
    named = dict(step)
    for key in ("name", "uses", "run"):
        with contextlib.suppress(ExpressionError):
            named[key] = templates.value(step.get(key), known)
    return named


def _checkouts(hub: Hub, run: Row, steps: list[dict[str, Any]], known: Known) -> dict[str, Checkout]:
    """The working copies that the steps ask for; each step is told the name of its own."""
    git = GitRepo(hub.git_dir(run["repo_id"]))
    found: dict[str, Checkout] = {}
    for at, step in enumerate(steps):
        uses = str(step.get("uses") or "")
        if uses.startswith("./"):
            found.setdefault(DEFAULT, _checkout(run, git, {}, known))
        if not uses.startswith("actions/checkout@"):
            continue
        inputs = templates.value(step.get("with") or {}, known)
        step["with"] = {**(step.get("with") or {}), "localhub": str(at)}
        found[str(at)] = _checkout(run, git, inputs, known)
    return found


def _checkout(run: Row, git: GitRepo, inputs: Mapping[str, Any], known: Known) -> Checkout:
    github = known.partial["github"]
    url = f"{github['server_url']}/{github['repository']}"
    depth = int(number_of(inputs.get("fetch-depth", 1)))
    ref = text_of(inputs.get("ref"))
    sha, branch = run["checkout_sha"], None
    if not ref and run["ref"].startswith("refs/heads/"):
        branch = run["ref"].removeprefix("refs/heads/")
    elif ref:
        short = ref.removeprefix("refs/heads/")
        head = git.ref(f"refs/heads/{short}")
        branch = short if head else None
        sha = head or git.resolve(ref)
        if sha is None:
            return Checkout("", problem=f"A branch or tag with the name '{ref}' could not be found")
    return Checkout(sha, branch, full=depth <= 0, depth=max(1, depth), url=url)
