"""A task and its pull request: offered, proven, queued to land, landed, withdrawn or cancelled."""

from __future__ import annotations

from planner.actions import (
    AnswerReview,
    CloseIssue,
    ClosePull,
    DeleteBranch,
    MarkReady,
    OpenPull,
    PullText,
    UpdateIssue,
    UpdatePull,
    Verify,
    WatchChecks,
)
from planner.events import DispatchWithdrawn, LandAsked, LandWithdrawn
from planner.facts import Goal, TrainItem
from planner.out import Out
from planner.pull import Pull, decide
from planner.task import ENDED, Task, ask_dispatch, put, tell


def commands(task: Task) -> tuple[str, ...]:
    """What the trusted side runs on a finished commit: acceptance, then the repository's own tests."""
    test = task.config.commands.test
    return tuple(dict.fromkeys((*task.goal.acceptance, *((test,) if test else ()))))


def text(task: Task, pull: Pull) -> PullText:
    """From the diff and trusted evidence at this head."""
    return PullText(
        goal=task.goal,
        diff=task.diff,
        report=task.report,
        sha=pull.sha,
        checks=pull.checks,
        results=pull.results,
        attempts=task.attempt,
        closes=(task.number,) if task.lands_on_target else (),
        part_of=None if task.lands_on_target else task.number,
        started_by=task.started_by.login,
    )


def rewrite(task: Task, out: Out) -> None:
    if task.pull:
        out.do(UpdatePull(pull=task.pull.number, text=text(task, task.pull)))


def offer(task: Task, out: Out, sha: str) -> Task:
    """A new commit is on the branch: prove it."""
    out.do(Verify(sha=sha, commands=commands(task)))
    if task.pull is None:
        out.do(
            OpenPull(
                head=task.branch,
                base=task.base,
                title=task.goal.title,
                sha=sha,
                text=text(task, Pull(number=0, head=task.branch, base=task.base, sha=sha)),
            )
        )
        return put(task, state="checking")
    pull = task.pull.at(sha)
    out.route(task.me, sha=sha)
    out.do(WatchChecks(sha=sha, event="pull_request", branch=task.base))
    return put(task, state="checking", pull=pull)


def opened(task: Task, out: Out, number: int, sha: str) -> Task:
    pull = Pull(number=number, head=task.branch, base=task.base, sha=sha)
    out.route(task.me, pull=number, sha=sha)
    out.do(WatchChecks(sha=sha, event="pull_request", branch=task.base))
    if task.proof is not None and task.proof.sha == sha:  # verification was quicker than GitHub
        pull = put_pull(pull, verified=task.proof.ok, results=task.proof.results)
    return put(task, pull=pull)


def put_pull(pull: Pull, **changes: object) -> Pull:
    return pull.model_copy(update=changes)


def advance(task: Task, out: Out) -> Task:
    """The pull request's next move, once its head is proven."""
    pull = task.pull
    if pull is None or task.state not in ("checking", "review") or not pull.proven:
        return task
    merge = task.config.merge
    if not pull.ready:
        people = task.lands_on_target and merge.who != "when_green"
        out.do(MarkReady(pull=pull.number, reviewer=task.started_by.login if people else None))
        pull = put_pull(pull, ready=True)
        task = put(task, pull=pull)
    if pull.told != pull.sha:
        rewrite(task, out)
        pull = put_pull(pull, told=pull.sha)
        task = put(task, pull=pull)
    if task.revision and task.revision.own:
        out.do(
            AnswerReview(
                pull=pull.number,
                review_id=task.revision.review_id,
                reviewer=task.revision.reviewer,
                comments=task.revision.comments,
                sha=pull.sha,
                task_pull=None,
                task_title=task.goal.title,
            )
        )
        task = put(task, revision=None)
    if task.lands_on_target and decide(pull, merge, task.files) == "wait_for_people":
        task = put(task, state="review")
        tell(task, out)
        return task
    return queue(task, out, pull)


def queue(task: Task, out: Out, pull: Pull) -> Task:
    out.send(
        task.train,
        LandAsked(
            scope=task.scope,
            branch=task.base,
            target=task.base,
            mode="target" if task.lands_on_target else "slice",
            method=task.config.merge.method,
            test=task.config.commands.test,
            item=TrainItem(
                node=task.key,
                kind="task",
                pull=pull.number,
                branch=pull.head,
                sha=pull.sha,
                title=task.goal.title,
                files=task.diff.files,
                answers_review=task.revision is not None and not task.revision.own,
            ),
        ),
    )
    task = put(task, state="landing", pull=put_pull(pull, queued=True))
    tell(task, out)
    return task


def withdraw(task: Task, out: Out) -> Task:
    """Takes the task out of every queue it stands in."""
    if task.state == "ready":
        out.send(task.tree, DispatchWithdrawn(node=task.key))
    if task.state == "landing":
        out.send(task.train, LandWithdrawn(node=task.key))
        if task.pull:
            task = put(task, pull=put_pull(task.pull, queued=False))
    return task


def landed(task: Task, out: Out, sha: str) -> Task:
    revised = task.revision.review_id if task.revision else None
    out.do(DeleteBranch(branch=task.branch))
    if task.lands_on_target and task.issue_id is not None:
        out.do(CloseIssue(number=task.number, reason="completed"))
    task = put(
        task,
        state="done" if task.lands_on_target else "landed",
        old_pull=task.pull.number if task.pull else task.old_pull,
        revision=None,
        trouble=(),
        tries=0,
        conflicts=0,
        role="worker",
        reason=None,
    )
    tell(task, out, wake=True, landed=sha, revised=revised)
    return task


def cancel(task: Task, out: Out, reason: str) -> Task:
    if task.state in ("done", "cancelled"):
        return task
    if task.state != "landed":
        task = withdraw(task, out)
        if task.pull:
            out.do(ClosePull(pull=task.pull.number, reason=reason))
        if task.attempt:
            out.do(DeleteBranch(branch=task.branch))
    if task.issue_id is not None:
        out.do(CloseIssue(number=task.number, reason="not_planned", note=reason))
    task = put(task, state="cancelled", reason=reason)
    tell(task, out)
    return task


def change_goal(task: Task, out: Out, goal: Goal, reason: str) -> Task:
    if task.state in ENDED:
        return task
    if task.issue_id is not None:
        out.do(UpdateIssue(number=task.number, goal=goal, note=reason))
    before = task.state
    task = put(withdraw(task, out), goal=goal, tries=0, trouble=((f"The goal changed: {reason}", goal.body),))
    match before:
        case "waiting":
            tell(task, out)
            return task
        case "working":
            tell(task, out)
            return put(task, stale=True)
        case _:
            task = ask_dispatch(task, out)
            tell(task, out)
            return task
