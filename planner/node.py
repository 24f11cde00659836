"""A planner node: its goal, its scratchpad, its direct children, its slice branch and the pull request of it."""

from __future__ import annotations

from typing import Any, Literal

from planner import keys
from planner.actions import CloseIssue, DeleteBranch, RefreshStatus, RunPlanner, Say, SetLabels
from planner.events import ChildChanged, Said, TreeEnded
from planner.facts import ChildView, CommandResult, Diffstat, Goal, ReviewComment, Usage
from planner.judge import Verdict
from planner.model import Address, Person, Scope, Value
from planner.out import Out
from planner.plan import Known, Plan
from planner.policy import RepoConfig
from planner.pull import Pull

State = Literal["planning", "preview", "running", "judging", "slice", "done", "parked", "cancelled"]
CHILD_ENDED = ("landed", "done", "cancelled")


class Child(Value):
    """A declared child. It exists from the moment of the plan; its issue follows."""

    view: ChildView
    key: str
    goal: Goal
    waits_for: tuple[str, ...] = ()
    priority: int = 0
    issue_id: int | None = None
    begun: bool = False
    files: tuple[str, ...] = ()
    seq: int = 0
    reached: bool = False
    """its change is on the target branch"""
    at_hand: bool = False
    """a sub-planner's work is on the target and, where this planner has a slice, on the slice too"""

    @property
    def id(self) -> str:
        return self.view.id

    @property
    def address(self) -> Address:
        return Address(kind=self.view.kind, key=self.key)

    @property
    def ended(self) -> bool:
        return self.view.state in CHILD_ENDED

    @property
    def met(self) -> bool:
        """Whether siblings that depend on it may start: what it made is on the branch that they build on."""
        return self.at_hand if self.view.kind == "planner" else self.view.state in ("landed", "done")


class OpenReview(Value):
    """A review on the slice's pull request whose answers are being made."""

    review_id: int
    reviewer: str
    waiting: tuple[str, ...]
    """children that still revise"""
    answered: tuple[tuple[str, tuple[ReviewComment, ...]], ...] = ()
    """(child, comments) in the order of the children"""


class Planner(Value):
    scope: Scope
    config: RepoConfig
    key: str
    id: str
    parent: str | None
    depth: int
    number: int
    issue_id: int
    target: str
    goal: Goal
    started_by: Person
    state: State = "planning"
    seq: int = 0
    turn: int = 0
    turn_running: bool = False
    turn_saw: int = 0
    news: tuple[dict[str, Any], ...] = ()
    asked: tuple[dict[str, Any], ...] = ()
    """the news of the running turn, kept to be asked again"""
    scratchpad: str = ""
    summary: str = ""
    children: tuple[Child, ...] = ()
    plan: Plan | None = None
    """waits for approval or for the tree's word on filing"""
    filing: bool = False
    """the tree has been asked for leave to file the plan's children; no turn starts meanwhile"""
    plan_hash: str = ""
    approved: bool = False
    invalid: int = 0
    refused_claims: int = 0
    claim: str = ""
    slice_asked: bool = False
    slice_ready: bool = False
    single: bool = False
    """one task, landed on the target by itself, in this planner's own issue"""
    pull: Pull | None = None
    pulls: tuple[int, ...] = ()
    """earlier pull requests of this slice, merged"""
    cut: bool = False
    """the open pull request shows a part of the slice; the planner is not done yet"""
    slice_lines: int = 0
    reviews: tuple[OpenReview, ...] = ()
    verdict: Verdict | None = None
    evidence: tuple[CommandResult, ...] = ()
    diff: Diffstat = Diffstat()
    usage: Usage = Usage()
    held: tuple[tuple[str, str], ...] = ()
    before_park: State = "planning"
    reason: str | None = None
    redirects: int = 0

    @property
    def me(self) -> Address:
        return Address(kind="planner", key=self.key)

    @property
    def tree(self) -> Address:
        return Address(kind="tree", key=self.scope.tree)

    @property
    def slice(self) -> str:
        return keys.slice_branch(self.scope.root, self.key)

    @property
    def base(self) -> str:
        """The branch that this planner reads and its tasks build on."""
        return self.slice if self.slice_ready else self.target

    def child(self, ident: str) -> Child | None:
        return next((c for c in self.children if c.id == ident), None)


def put(node: Planner, **changes: object) -> Planner:
    return node.model_copy(update=changes)


def put_child(node: Planner, child: Child) -> Planner:
    return put(node, children=tuple(child if c.id == child.id else c for c in node.children))


def known(node: Planner) -> dict[str, Known]:
    return {
        c.id: Known(
            id=c.id,
            title=c.view.title,
            paths=c.view.paths,
            depends_on=c.view.depends_on,
            ended=c.ended,
            seq=c.seq,
        )
        for c in node.children
    }


def view(node: Planner) -> ChildView:
    """This planner as its own parent sees it."""
    return ChildView(
        id=node.id,
        kind="planner",
        title=node.goal.title,
        state="review" if node.state == "slice" and node.pull and node.pull.ready else node.state,
        number=node.number,
        pull=node.pull.number if node.pull else (node.pulls[-1] if node.pulls else None),
        paths=node.goal.paths,
        reason=node.reason,
        lines=sum(c.view.lines for c in node.children),
    )


def tell(node: Planner, out: Out, *, wake: bool = False) -> None:
    if node.parent is not None:
        files = tuple(dict.fromkeys(f for c in node.children for f in c.files))
        out.send(
            Address(kind="planner", key=node.parent),
            ChildChanged(view=view(node), files=files, wake=wake),
        )


def status(node: Planner, out: Out, every_s: float) -> None:
    """Asks for the status comment to be brought up to date; many askings within `every_s` are one edit."""
    delay = 0.0 if node.state in ("done", "cancelled", "parked") else every_s
    out.do(RefreshStatus(number=node.number, coalesce=f"status:{node.key}", delay_s=delay))


def enter(node: Planner, out: Out, state: State, reason: str | None = None) -> Planner:
    """Changes the state, its label and what the parent sees."""
    before = node.state
    node = put(node, state=state, reason=reason)
    if before != state:
        label = LABELS[state]
        if LABELS[before] != label and node.parent is None:  # a label on every sub-issue is noise and quota
            out.do(SetLabels(number=node.number, state=label))
        tell(node, out)
    return node


LABELS: dict[State, Literal["planning", "running", "parked", "done"]] = {
    "planning": "planning",
    "preview": "planning",
    "running": "running",
    "judging": "running",
    "slice": "running",
    "done": "done",
    "parked": "parked",
    "cancelled": "done",
}


def add_news(node: Planner, *items: dict[str, Any]) -> Planner:
    return put(node, news=(*node.news, *items)[-100:])


def think(node: Planner, out: Out) -> Planner:
    """Starts a turn when there is news and none runs; what comes meanwhile waits for the next."""
    from planner.turn import planner_input

    if node.turn_running or node.filing or not node.news or node.state not in ("planning", "preview", "running"):
        return node
    node = put(node, turn=node.turn + 1, turn_running=True, turn_saw=node.seq, asked=node.news, news=())
    out.do(RunPlanner(turn=node.turn, branch=node.base, model=node.config.models.planner, input=planner_input(node)))
    return node


def park(node: Planner, out: Out, reason: str, *, question: bool = False) -> Planner:
    """Waits for a person, with one answerable sentence. The one comment that this writes notifies."""
    if node.state == "parked" and node.reason == reason:
        return node
    before = node.before_park if node.state == "parked" else node.state
    node = enter(put(node, before_park=before, turn_running=False), out, "parked", reason)
    text: Literal["question", "parked"] = "question" if question else "parked"
    out.do(Say(number=node.number, text=text, facts={"reason": reason, "login": node.started_by.login}))
    return node


def unpark(node: Planner, out: Out) -> Planner:
    if node.state != "parked":
        return node
    back: State = "planning" if not node.children and not node.plan else "running"
    if node.before_park == "slice" and node.pull is not None:
        back = "slice"
    elif node.before_park == "preview" and node.plan is not None:
        back = "preview"
    return enter(put(node, invalid=0, refused_claims=0), out, back)


def finish(node: Planner, out: Out) -> Planner:
    """Everything declared has ended and the judge agreed: the issue closes, its branches go."""
    if node.slice_ready:
        out.do(DeleteBranch(branch=node.slice), DeleteBranch(branch=keys.train_branch(node.scope.root, node.key)))
    node = enter(node, out, "done")
    if node.parent is None:
        out.do(Say(number=node.number, text="final", facts={"login": node.started_by.login}))
        out.send(node.tree, TreeEnded(outcome="done"))
    out.do(CloseIssue(number=node.number, reason="completed"))
    tell(node, out, wake=True)
    return node


def redirect(node: Planner, event: Said) -> Planner:
    news = {
        "what": "redirect",
        "by": event.by.login,
        "permission": event.by.permission,
        "comment": event.comment_id,
        "number": event.number,
        "words": event.words,
    }
    return put(add_news(node, news), redirects=node.redirects + 1)
