"""What happens to a task: one event at a time."""

from __future__ import annotations

from planner import keys
from planner.actions import CloseIssue, ClosePull, DeleteBranch
from planner.events import (
    ActionFailed,
    AttemptEnded,
    BeginTask,
    CancelAsked,
    ChecksMissing,
    ChecksSettled,
    DependencyMet,
    Dispatched,
    Event,
    GoalChanged,
    HeadPrepared,
    IssueClosed,
    Landed,
    LandRefused,
    PullClosed,
    PullMerged,
    PullOpened,
    ReachedTarget,
    RetryAsked,
    Reviewed,
    ReviseAsked,
    RivalAsked,
    RivalWork,
    Said,
    Verified,
)
from planner.out import Out
from planner.task import ENDED, Task, again, ask_dispatch, fail, freed, park, put, start_attempt, tell
from planner.task_conflict import conflicts, on_train
from planner.task_people import on_person
from planner.task_pull import advance, cancel, change_goal, landed, offer, opened, put_pull, rewrite, withdraw

MINOR = ("refresh_status", "update_pull", "set_labels", "react", "delete_branch", "link_dependency", "close_issue")
"""actions whose failure costs nothing but looks; they are logged by the engine and the node goes on"""


def begin(event: BeginTask, out: Out) -> Task:
    task = Task(
        scope=event.scope,
        config=event.config,
        key=keys.child_key(event.parent, event.id),
        id=event.id,
        parent=event.parent,
        goal=event.goal,
        number=event.number,
        issue_id=event.issue_id,
        base=event.base,
        lands_on_target=event.lands_on_target,
        waits_for=event.waits_for,
        priority=event.priority,
        started_by=event.started_by,
    )
    if task.issue_id is not None:
        out.route(task.me, issue=task.number)
    if not task.waits_for:
        task = ask_dispatch(task, out)
    tell(task, out)
    return task


def on(task: Task, event: Event, out: Out) -> Task:
    """Total over events: what a task has no use for changes nothing."""
    match event:
        case Dispatched() | AttemptEnded():
            return on_attempt(task, event, out)
        case PullOpened() | ChecksSettled() | ChecksMissing() | Verified() | PullMerged() | PullClosed():
            return on_pull(task, event, out)
        case Landed() | LandRefused() | HeadPrepared() | RivalAsked() | RivalWork():
            return on_train(task, event, out)
        case Reviewed() | ReviseAsked() | Said() | RetryAsked() | IssueClosed():
            return on_person(task, event, out)
        case DependencyMet(id=ident, report=report):
            context = task.context
            if report is not None and ident in task.waits_for:
                context = (*context, (f"Handoff of {ident}, on which this builds", report.summary))
            task = put(task, waits_for=tuple(w for w in task.waits_for if w != ident), context=context)
            if task.state == "waiting" and not task.waits_for:
                task = ask_dispatch(task, out)
                tell(task, out)
            return task
        case GoalChanged(goal=goal, reason=reason):
            return change_goal(task, out, goal.model_copy(update={"title": task.goal.title}), reason)
        case CancelAsked(reason=reason):
            return cancel(task, out, reason)
        case ReachedTarget():
            if task.state != "landed":
                return task
            if task.issue_id is not None:
                out.do(CloseIssue(number=task.number, reason="completed"))
            task = put(task, state="done")
            tell(task, out)
            return task
        case ActionFailed(action_type=kind, reason=reason):
            if kind in MINOR or task.state in ENDED:
                return task
            if kind == "run_attempt":
                freed(task, out, task.usage.model_copy(update={"calls": 0, "dollars": 0.0}))
            return park(task, out, f"{kind} could not be done: {reason}")
        case _:
            return task


def on_attempt(task: Task, event: Dispatched | AttemptEnded, out: Out) -> Task:
    match event:
        case Dispatched():
            if task.state != "ready":
                freed(task, out, task.usage.model_copy(update={"calls": 0, "dollars": 0.0}))
                return task
            task = start_attempt(task, out)
            tell(task, out)
            return task
        case AttemptEnded():
            freed(task, out, event.usage)
            task = put(task, usage=task.usage + event.usage)
            if event.attempt != task.attempt or task.state != "working":
                if task.state == "cancelled" and event.sha:
                    out.do(DeleteBranch(branch=task.branch))
                return task
            if task.stale:
                return ask_dispatch(put(task, stale=False, tries=0), out)
            return on_outcome(task, event, out)


def on_outcome(task: Task, event: AttemptEnded, out: Out) -> Task:
    role = task.role
    match event.outcome:
        case "committed" if event.sha is not None:
            task = put(
                task,
                report=event.report,
                diff=event.diff,
                patch=event.patch,
                files=tuple(dict.fromkeys((*task.files, *event.diff.files))),
                trouble=(),
            )
            task = offer(task, out, event.sha)
            tell(task, out)
            return task
        case "empty":
            return again(task, out, "The attempt changed nothing", event.report.summary, role=role)
        case "refused":
            return again(task, out, "The commit was refused", event.reason, role=role)
        case _:
            return again(task, out, f"The attempt failed: {event.reason}", event.report.summary, role=role)


def on_pull(
    task: Task,
    event: PullOpened | ChecksSettled | ChecksMissing | Verified | PullMerged | PullClosed,
    out: Out,
) -> Task:
    pull = task.pull
    match event:
        case PullOpened(pull=number, sha=sha):
            if task.state == "cancelled":
                out.do(ClosePull(pull=number, reason=task.reason or "cancelled"))
                return task
            if pull is None:
                task = advance(judge_proof(opened(task, out, number, sha), out), out)
            return task
        case ChecksSettled(sha=sha, verdict=verdict):
            if pull is None or pull.sha != sha or pull.checks != "waiting":
                return task
            task = put(task, pull=put_pull(pull, checks=verdict, failures=event.failures))
            if verdict == "red" and task.state in ("checking", "review", "landing"):
                rewrite(task, out)
                task = withdraw(task, out)
                logs = "\n\n".join(f"{f.name}\n{f.excerpt}" for f in event.failures)
                return again(task, out, f"CI failed on {sha[:10]}", logs)
            return advance(task, out)
        case ChecksMissing(sha=sha, reason=reason):
            if pull is None or pull.sha != sha or task.state != "checking":
                return task
            return conflicts(task, out, reason) if event.conflict else park(task, out, reason)
        case Verified():
            if pull is None:
                return put(task, proof=event)
            if pull.sha != event.sha or pull.verified is not None:
                return task
            task = put(task, pull=put_pull(pull, verified=event.ok, results=event.results))
            return advance(judge_proof(task, out), out)
        case PullMerged(pull=number, merge_sha=sha):
            if pull is None or pull.number != number or task.state in ENDED:
                return task
            if task.state == "landing" and not task.lands_on_target:
                return task  # the train moved the slice and says so itself, with the slice's new head
            return landed(withdraw(task, out), out, sha)
        case PullClosed(pull=number, by=by):
            if pull is None or pull.number != number or task.state in (*ENDED, "failed"):
                return task
            who = by.login if by else "somebody"
            return fail(withdraw(task, out), out, f"{who} closed pull request #{number}")


def judge_proof(task: Task, out: Out) -> Task:
    """A head that failed verification needs another attempt."""
    pull = task.pull
    if pull is None or pull.verified is not False or task.state != "checking":
        return task
    failed = [r for r in pull.results if not r.ok]
    logs = "\n\n".join(f"$ {r.command}\n(exit {r.exit_code})\n{r.output}" for r in failed)
    return again(task, out, f"Verification failed on {pull.sha[:10]}", logs)


__all__ = ["begin", "on"]
