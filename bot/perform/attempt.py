"""One attempt: workspace, agent, commit in the second sandbox, trusted checks, push."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.contract import ActionRow, GiveUp, Performed
from bot.mirror import Mirror, PushRefused
from bot.perform.agents import Watched, booking, capped, facts, folder, model_for, remember, remembered
from bot.perform.context import Deps, result
from bot.prompting import fenced
from planner.actions import RunAttempt
from planner.events import AttemptEnded
from planner.facts import Diffstat, Report
from planner.keys import digest
from worker.agent import Outcome
from worker.harness import Watchers
from worker.harness.builtin import Builtin
from worker.intake import Identity
from worker.prompts import for_brief
from worker.task import Acceptance, Brief
from worker.task import Limits as AgentLimits
from worker.trajectory import Trajectory
from worker.workspace import Change, Committed, Refused, Rules, Workspace

CONTEXT_LIMIT = 12_000
"""characters of one block of context"""


def run_attempt(deps: Deps, row: ActionRow, action: RunAttempt) -> Performed:
    path = folder(deps, row)
    done = remembered(path)
    if not isinstance(done, AttemptEnded):
        done = _attempt(deps, row, action, path)
    if done.sha is not None:
        done = _push(deps, row, action, path, done)
    return result(row, done)


def _attempt(deps: Deps, row: ActionRow, action: RunAttempt, path: Path) -> AttemptEnded:
    watched = model_for(deps, row, action.role, action.model, action.limits)
    mirror = deps.mirrors(row.scope)
    mirror.fetch()
    base, own = mirror.head(action.base), mirror.head(action.branch)
    if base is None:
        raise GiveUp(f"the branch {action.base} does not exist")
    start = base if own is None or action.role == "resolver" else own
    name = f"w-{digest(row.key)}"
    workspace = deps.workspaces.create(mirror.path, start, name, toolchain=deps.toolchain)
    try:
        outcome = _work(deps, row, action, watched, workspace, path)
        event = _commit(deps, row, action, mirror, workspace, outcome, own, watched.name)
    finally:
        deps.workspaces.remove(name)
    remember(path, event)
    return event


def _work(
    deps: Deps, row: ActionRow, action: RunAttempt, watched: Watched, workspace: Workspace, path: Path
) -> Outcome:
    limits = capped(deps, row, action.limits, AgentLimits())
    with Trajectory(path / "trajectory.jsonl") as record:
        watchers = Watchers(record=record, on_usage=booking(deps, row, action.role, watched.name))
        outcome = Builtin(watched).work(brief(action), workspace, deps.sandbox, limits, watchers)
    if outcome.handoff.failure is not None:
        watched.hold_if_down()
    return outcome


def brief(action: RunAttempt) -> Brief:
    """The worker's own words for what the tree asks."""
    told = action.brief
    goal = told.goal
    context = "\n\n".join(f"## {heading}\n{fenced(heading, text, CONTEXT_LIMIT)}" for heading, text in told.context)
    return Brief(
        goal=f"{goal.title}\n\n{goal.body}".strip(),
        acceptance=tuple(Acceptance(command=c) for c in goal.acceptance),
        paths=goal.paths,
        forbidden=goal.forbidden,
        context=context,
        attempt=told.attempt,
        role=action.role,
        setup_command=action.commands.setup,
        test_command=told.test,
        lint_command=action.commands.lint,
    )


def _commit(
    deps: Deps,
    row: ActionRow,
    action: RunAttempt,
    mirror: Mirror,
    workspace: Workspace,
    outcome: Outcome,
    own: str | None,
    model: str,
) -> AttemptEnded:
    handoff = outcome.handoff
    told = AttemptEnded(
        attempt=action.attempt,
        outcome="failed",
        reason=handoff.summary,
        report=Report.model_validate(handoff.model_dump(exclude={"status", "failure"})),
        usage=facts(outcome.usage),
        model=model,
        prompt=for_brief(brief(action)).version,
    )
    if handoff.status != "done":
        return told.model_copy(update={"reason": f"{handoff.failure or 'failed'}: {handoff.summary}"})
    who = deps.identity()
    message = commit_message(row, action, handoff.summary)
    change = Change(
        message=message,
        author=Identity(name=who.name, email=who.email),
        at=datetime.fromtimestamp(int(deps.clock()), UTC),
        include=outcome.written,
    )
    taken = deps.workspaces.commit(workspace, change, Rules(protect=action.protect))
    if isinstance(taken, Refused):
        return told.model_copy(update={"outcome": "refused", "reason": taken.reason})
    if not isinstance(taken, Committed):
        return told.model_copy(update={"outcome": "empty", "reason": "the attempt changed nothing"})
    sha = taken.sha
    if action.role == "resolver" and own is not None:
        # The resolver worked on the base; as a merge of both it is a fast-forward of the branch.
        sha = mirror.commit(mirror.tree(taken.sha), (own, workspace.base), message)
    mirror.keep(f"pushing/{workspace.id}", sha)
    base = mirror.head(action.base) or workspace.base
    return told.model_copy(
        update={
            "outcome": "committed",
            "reason": "",
            "sha": sha,
            "base_sha": base,
            "diff": _bounded(mirror.diffstat(base, sha)),
            "patch": mirror.patch(base, sha),
        }
    )


def _bounded(diff: Diffstat) -> Diffstat:
    return diff if len(diff.files) <= 2_000 else diff.model_copy(update={"files": diff.files[:2_000]})


def commit_message(row: ActionRow, action: RunAttempt, summary: str) -> str:
    """Title, what was done, and who and what it came from."""
    title = " ".join(action.brief.goal.title.split())[:72]
    trailers = [f"Branchwork-Attempt: {digest(row.key)}"]
    trailers += [f"Co-authored-by: {action.started_by} <{action.started_by}@users.noreply.github.com>"]
    trailers += action.trailers
    body = summary.strip()
    return (
        f"{title}\n\n{body}\n\n" + "\n".join(trailers) + "\n" if body else f"{title}\n\n" + "\n".join(trailers) + "\n"
    )


def _push(deps: Deps, row: ActionRow, action: RunAttempt, path: Path, done: AttemptEnded) -> AttemptEnded:
    """Put the commit on the branch, unless it is there. A branch that somebody else moved is left alone."""
    mirror = deps.mirrors(row.scope)
    sha = done.sha
    assert sha is not None
    mirror.fetch()
    there = mirror.head(action.branch)
    if there is not None and mirror.contains(there, sha):
        return done
    if there is not None and not mirror.contains(sha, there):
        reason = f"somebody pushed to {action.branch} meanwhile; the next attempt starts from there"
        return _withdrawn(path, done, reason)
    try:
        mirror.push(action.branch, sha, there)
    except PushRefused as error:
        return _withdrawn(path, done, f"GitHub refuses the push to {action.branch}: {error.reason}")
    return done


def _withdrawn(path: Path, done: AttemptEnded, reason: str) -> AttemptEnded:
    event = done.model_copy(update={"outcome": "refused", "reason": reason, "sha": None})
    remember(path, event)
    return event
