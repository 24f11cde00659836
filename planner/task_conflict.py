"""What the train says to a task, and what a task that no longer merges gives its resolver."""

from __future__ import annotations

from planner.events import HeadPrepared, Landed, LandRefused, RivalAsked, RivalWork
from planner.model import Address
from planner.out import Out
from planner.task import ENDED, Task, again, ask_dispatch, fail, park, put, tell
from planner.task_pull import landed, put_pull

MAX_CONFLICTS = 3


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


def conflicts(task: Task, out: Out, reason: str) -> Task:
    """Its base has got something that it does not merge with, before CI could begin: nobody says who was quicker."""
    if task.conflicts >= MAX_CONFLICTS:
        return fail(task, out, f"{task.conflicts} resolutions still conflict: {reason}")
    return resolve(put(task, conflicts=task.conflicts + 1, rivals=(), rivals_asked=0, tries=0), out)


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
