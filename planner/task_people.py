"""What people say to a task: reviews, answers, retries, a closed issue."""

from __future__ import annotations

from planner.events import IssueClosed, RetryAsked, Reviewed, ReviseAsked, Said
from planner.facts import ReviewComment
from planner.out import Out
from planner.policy import may_command
from planner.task import ENDED, Revision, Task, ask_dispatch, park, put, tell
from planner.task_pull import advance, cancel, withdraw


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
