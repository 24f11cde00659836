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
from planner.facts import ReviewComment
from planner.model import Address
from planner.out import Out
from planner.policy import may_command
from planner.task import (
    ENDED,
    Revision,
    Task,
    advance,
    again,
    ask_dispatch,
    cancel,
    change_goal,
    fail,
    freed,
    landed,
    offer,
    opened,
    park,
    put,
    put_pull,
    rewrite,
    start_attempt,
    tell,
    withdraw,
)

MAX_CONFLICTS = 3
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
            return park(task, out, reason) if pull and pull.sha == sha and task.state == "checking" else task
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


def on_train(task: Task, event: Landed | LandRefused | HeadPrepared | RivalAsked | RivalWork, out: Out) -> Task:
    pull = task.pull
    match event:
        case Landed(pull=number, sha=sha):
            return landed(task, out, sha) if pull and pull.number == number and task.state not in ENDED else task
        case HeadPrepared(pull=number, sha=sha):
            if pull and pull.number == number and pull.sha != sha:
                task = put(task, pull=pull.merged_base(sha))
            return task
        case LandRefused():
            if pull is None or pull.number != event.pull or task.state != "landing":
                return task
            return on_refused(put(task, pull=put_pull(pull, queued=False)), event, out)
        case RivalAsked(reply_to=who):
            out.send(who, RivalWork(node=task.key, goal=task.goal, report=task.report, patch=task.patch))
            return task
        case RivalWork():
            if task.rivals_asked == 0 or any(r.node == event.node for r in task.rivals):
                return task
            task = put(task, rivals=(*task.rivals, event))
            return resolve(task, out) if len(task.rivals) >= task.rivals_asked else task


def on_refused(task: Task, event: LandRefused, out: Out) -> Task:
    match event.cause:
        case "conflict":
            if task.conflicts >= MAX_CONFLICTS:
                return fail(task, out, f"{task.conflicts} resolutions still conflict: {event.reason}")
            task = put(task, conflicts=task.conflicts + 1, rivals=(), rivals_asked=len(event.rivals), tries=0)
            for rival in event.rivals:
                out.send(Address(kind="task", key=rival), RivalAsked(reply_to=task.me))
            return task if event.rivals else resolve(task, out)
        case "red":
            logs = "\n\n".join(f"{f.name}\n{f.excerpt}" for f in event.failures)
            heading = f"Green alone, red together with what had landed: {event.reason}"
            return again(put(task, trouble=(side(task),)), out, heading, logs, role="resolver")
        case "stale":
            return ask_dispatch(task, out)
        case "refused":
            return park(task, out, event.reason)


def side(work: RivalWork | Task) -> tuple[str, str]:
    """One side of a conflict: what it was for, what it says of itself, and its diff."""
    mine = isinstance(work, Task)
    name = "Yours, which no longer merges" if mine else f"Landed already: {work.goal.title}"
    summary = work.report.summary if work.report else ""
    return name, f"Goal:\n{work.goal.body}\n\nHandoff:\n{summary}\n\nDiff:\n{work.patch}"


def resolve(task: Task, out: Out) -> Task:
    """A fresh resolver gets both goals, both handoffs and both diffs."""
    trouble = (*(side(r) for r in task.rivals), side(task))
    task = put(task, trouble=trouble, role="resolver", rivals=(), rivals_asked=0)
    task = ask_dispatch(task, out)
    tell(task, out)
    return task


def on_person(task: Task, event: Reviewed | ReviseAsked | Said | RetryAsked | IssueClosed, out: Out) -> Task:
    match event:
        case Reviewed():
            return on_review(task, event, out)
        case ReviseAsked(review_id=review, by=by, body=body, comments=comments):
            if task.state != "landed":
                return task
            trouble = (("Review comments to answer", review_text(by.login, body, comments)),)
            revision = Revision(review_id=review, reviewer=by.login, comments=comments, own=False)
            task = put(
                task,
                series=task.series + 1,
                tries=0,
                revision=revision,
                trouble=trouble,
                old_pull=task.pull.number if task.pull else task.old_pull,
                pull=None,
                proof=None,
                rounds=task.rounds + 1,
            )
            task = ask_dispatch(task, out)
            tell(task, out)
            return task
        case Said():
            if may_command(event.by, task.config):
                out.send(task.owner, event)
            return task
        case RetryAsked(by=by):
            if task.state not in ("parked", "failed") or not may_command(by, task.config):
                return task
            task = ask_dispatch(put(task, tries=0, conflicts=0), out)
            tell(task, out)
            return task
        case IssueClosed(by=by):
            if task.state in ENDED or by is None or not may_command(by, task.config):
                return task
            return cancel(task, out, f"{by.login} closed the issue")


def on_review(task: Task, event: Reviewed, out: Out) -> Task:
    pull = task.pull
    if pull is None or pull.number != event.pull or task.state in ENDED or not may_command(event.by, task.config):
        return task
    match event.state:
        case "approved":
            return advance(put(task, pull=pull.approve(event.by.login, event.sha)), out)
        case "dismissed":
            return put(task, pull=pull.disapprove(event.by.login))
        case "commented":
            return task
        case "changes_requested":
            if task.rounds >= task.config.limits.review_rounds:
                return park(task, out, f"{task.rounds} review rounds; say how to go on")
            if task.state not in ("checking", "review", "landing"):
                return task
            task = put(
                withdraw(task, out),
                pull=pull.disapprove(event.by.login),
                rounds=task.rounds + 1,
                tries=0,
                trouble=(("Review comments to answer", review_text(event.by.login, event.body, event.comments)),),
                revision=Revision(
                    review_id=event.review_id, reviewer=event.by.login, comments=event.comments, own=True
                ),
            )
            task = ask_dispatch(task, out)
            tell(task, out)
            return task


def review_text(login: str, body: str, comments: tuple[ReviewComment, ...]) -> str:
    lines = [f"{login} asks for changes. {body}".strip()]
    lines += [f"{c.path}:{c.line or '?'}: {c.body}\n{c.hunk}".rstrip() for c in comments]
    return "\n\n".join(lines)


__all__ = ["begin", "on"]
