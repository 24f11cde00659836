"""One task: a brief, its attempts, and the pull request they lead to. One issue, one branch, one worker at a time."""

from __future__ import annotations

from typing import Literal

from planner import keys
from planner.actions import Brief, RunAttempt
from planner.events import ChildChanged, DispatchAsked, RivalWork, SlotFreed, Verified
from planner.facts import ChildView, Diffstat, Goal, Report, ReviewComment, Usage
from planner.model import Address, Person, Scope, Value
from planner.out import Out
from planner.policy import RepoConfig
from planner.pull import Pull

State = Literal[
    "waiting", "ready", "working", "checking", "review", "landing", "landed", "done", "failed", "cancelled", "parked"
]
ENDED: tuple[State, ...] = ("landed", "done", "cancelled")


class Revision(Value):
    """Review comments that the running round answers. `pull` is where they stand."""

    review_id: int
    reviewer: str
    comments: tuple[ReviewComment, ...]
    own: bool
    """they stand on the task's own pull request (else on the slice's, and the planner answers)"""


class Task(Value):
    scope: Scope
    config: RepoConfig
    key: str
    id: str
    parent: str
    goal: Goal
    number: int
    issue_id: int | None
    base: str
    lands_on_target: bool
    priority: int
    started_by: Person
    state: State = "waiting"
    seq: int = 0
    waits_for: tuple[str, ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    """what predecessors handed over"""
    trouble: tuple[tuple[str, str], ...] = ()
    """why the next attempt is needed"""
    role: Literal["worker", "resolver"] = "worker"
    series: int = 1
    attempt: int = 0
    tries: int = 0
    """attempts of this round; a new round starts with a revision, a changed goal or a retry"""
    conflicts: int = 0
    rounds: int = 0
    """review rounds"""
    stale: bool = False
    """the goal changed while an attempt ran: its result does not count"""
    pull: Pull | None = None
    proof: Verified | None = None
    """what verification said, when it came before the pull request existed"""
    old_pull: int | None = None
    report: Report | None = None
    diff: Diffstat = Diffstat()
    patch: str = ""
    files: tuple[str, ...] = ()
    revision: Revision | None = None
    rivals_asked: int = 0
    rivals: tuple[RivalWork, ...] = ()
    usage: Usage = Usage()
    reason: str | None = None

    @property
    def me(self) -> Address:
        return Address(kind="task", key=self.key)

    @property
    def tree(self) -> Address:
        return Address(kind="tree", key=self.scope.tree)

    @property
    def owner(self) -> Address:
        return Address(kind="planner", key=self.parent)

    @property
    def branch(self) -> str:
        return keys.task_branch(self.scope.root, self.key, self.goal.title, self.series)

    @property
    def train(self) -> Address:
        if self.lands_on_target:
            return keys.target_train(self.scope.repo_id, self.base)
        return keys.slice_train(self.parent)


def view(task: Task) -> ChildView:
    return ChildView(
        id=task.id,
        kind="task",
        title=task.goal.title,
        state=task.state,
        number=task.number if task.issue_id is not None else None,
        pull=task.pull.number if task.pull else task.old_pull,
        paths=task.goal.paths,
        attempts=task.attempt,
        reason=task.reason,
        report=task.report,
        lines=task.diff.lines,
    )


def put(task: Task, **changes: object) -> Task:
    return task.model_copy(update=changes)


def tell(task: Task, out: Out, *, wake: bool = False, landed: str | None = None, revised: int | None = None) -> None:
    out.send(
        task.owner,
        ChildChanged(view=view(task), files=task.files, landed_sha=landed, revised=revised, wake=wake),
    )


def ask_dispatch(task: Task, out: Out) -> Task:
    out.send(
        task.tree,
        DispatchAsked(node=task.key, paths=task.goal.paths, priority=task.priority, order=task.number),
    )
    return put(task, state="ready", reason=None)


def start_attempt(task: Task, out: Out) -> Task:
    number = task.attempt + 1
    models = task.config.models
    out.do(
        RunAttempt(
            attempt=number,
            role=task.role,
            base=task.base,
            branch=task.branch,
            model=models.resolver if task.role == "resolver" else models.worker,
            brief=Brief(
                goal=task.goal,
                test=task.config.commands.test,
                attempt=number,
                context=(*task.context, *task.trouble),
            ),
            limits=task.config.limits,
            commands=task.config.commands,
            protect=task.config.protect,
            trailers=task.config.trailers,
            started_by=task.started_by.login,
        )
    )
    return put(task, state="working", attempt=number, tries=task.tries + 1, stale=False)


def again(task: Task, out: Out, heading: str, text: str, *, role: Literal["worker", "resolver"] = "worker") -> Task:
    """Another attempt with what went wrong, or the end of the task's patience."""
    trouble = (*task.trouble, (heading, text))[-6:]
    if task.tries >= task.config.limits.attempts:
        return fail(put(task, trouble=trouble), out, f"{task.tries} attempts; the last one: {heading}")
    return ask_dispatch(put(task, trouble=trouble, role=role), out)


def fail(task: Task, out: Out, reason: str) -> Task:
    task = put(task, state="failed", reason=reason)
    tell(task, out, wake=True)
    return task


def park(task: Task, out: Out, reason: str) -> Task:
    task = put(task, state="parked", reason=reason)
    tell(task, out)
    return task


def freed(task: Task, out: Out, usage: Usage) -> None:
    out.send(task.tree, SlotFreed(node=task.key, usage=usage))
