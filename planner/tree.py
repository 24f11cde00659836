"""The tree: what is dispatched next, and the caps that hold for all of it."""

from __future__ import annotations

from typing import Literal

from planner import keys
from planner.actions import ReadConfig, Say, WakeAt
from planner.events import (
    ActionFailed,
    ActionsHeld,
    ActionsReleased,
    BeginPlanner,
    ConfigInvalid,
    ConfigRead,
    DispatchAsked,
    Dispatched,
    DispatchWithdrawn,
    Event,
    FilingAnswered,
    FilingAsked,
    RetryAsked,
    RootLabeled,
    SlotFreed,
    Spent,
    Tick,
    TreeEnded,
)
from planner.facts import Goal, Usage
from planner.model import Address, Person, Scope, Value
from planner.out import Out
from planner.policy import RepoConfig, may_command
from planner.schedule import Ready, choose


class Running(Value):
    node: str
    paths: tuple[str, ...]


class Tree(Value):
    scope: Scope
    issue_id: int
    title: str
    body: str
    """the goal as it stood at the label: later edits do not change it"""
    by: Person
    state: Literal["refused", "configuring", "misconfigured", "running", "done", "stopped"] = "configuring"
    seq: int = 0
    config: RepoConfig | None = None
    target: str = ""
    ready: tuple[Ready, ...] = ()
    running: tuple[Running, ...] = ()
    issues: int = 0
    usage: Usage = Usage()
    held: tuple[tuple[str, str], ...] = ()
    """(cause, reason) of what the tree waits for outside itself"""
    expired: bool = False
    """the time of `limits.hours` is over: nothing new starts until a person says retry"""
    reason: str | None = None

    @property
    def root(self) -> Address:
        return Address(kind="planner", key=keys.root_planner(self.scope.tree))


def put(tree: Tree, **changes: object) -> Tree:
    return tree.model_copy(update=changes)


def begin(event: RootLabeled) -> Tree:
    return Tree(
        scope=event.scope, issue_id=event.issue_id, title=event.title, body=event.body, by=event.by, state="refused"
    )


def on(tree: Tree, event: Event, out: Out) -> Tree:
    """Total over events."""
    match event:
        case RootLabeled():
            return labeled(tree, event, out)
        case ConfigInvalid(problems=problems):
            out.do(Say(number=tree.scope.root, text="config_invalid", facts={"problems": list(problems)}))
            return put(tree, state="misconfigured", reason=problems[0] if problems else "invalid configuration")
        case ConfigRead():
            return configured(tree, event, out)
        case DispatchAsked(node=node, paths=paths, priority=priority, order=order):
            rest = tuple(r for r in tree.ready if r.node != node)
            asked = Ready(node=node, paths=paths, priority=priority, order=order)
            return dispatch(put(tree, ready=(*rest, asked)), out)
        case DispatchWithdrawn(node=node):
            return put(tree, ready=tuple(r for r in tree.ready if r.node != node))
        case SlotFreed(node=node, usage=usage):
            rest_running = tuple(r for r in tree.running if r.node != node)
            return dispatch(put(tree, running=rest_running, usage=tree.usage + usage), out)
        case Spent(usage=usage):
            return put(tree, usage=tree.usage + usage)
        case FilingAsked():
            return filing(tree, event, out)
        case ActionsHeld(cause=cause, reason=reason):
            out.send(tree.root, event)
            return put(tree, held=(*(h for h in tree.held if h[0] != cause), (cause, reason)))
        case ActionsReleased(cause=cause):
            out.send(tree.root, event)
            return dispatch(put(tree, held=tuple(h for h in tree.held if h[0] != cause)), out)
        case Tick(name="hours") if tree.state == "running" and not tree.expired and tree.config is not None:
            return expire(tree, tree.config.limits.hours, out)
        case RetryAsked(by=by) if tree.expired and tree.config is not None and may_command(by, tree.config):
            out.send(tree.root, ActionsReleased(cause="budget"))
            out.do(WakeAt(name="hours", delay_s=tree.config.limits.hours * 3600))
            return dispatch(put(tree, expired=False, reason=None), out)
        case TreeEnded(outcome=outcome):
            return put(tree, state="done" if outcome == "done" else "stopped")
        case ActionFailed(action_type=kind, reason=reason):
            return put(tree, reason=f"{kind} could not be done: {reason}")
        case _:
            return tree


def labeled(tree: Tree, event: RootLabeled, out: Out) -> Tree:
    if tree.state in ("configuring", "running", "done"):
        return tree
    if not event.by.may_write:
        if tree.seq <= 1 or tree.by.login != event.by.login:
            out.do(Say(number=event.scope.root, text="refused", facts={"login": event.by.login}))
        return put(tree, by=event.by)
    out.do(ReadConfig())
    return put(tree, state="configuring", by=event.by, title=event.title, body=event.body, reason=None)


def configured(tree: Tree, event: ConfigRead, out: Out) -> Tree:
    if tree.state != "configuring":
        return tree
    test = event.config.commands.test
    out.send(
        tree.root,
        BeginPlanner(
            scope=tree.scope,
            config=event.config,
            goal=Goal(title=tree.title, body=tree.body, acceptance=(test,) if test else ()),
            parent=None,
            id="r",
            depth=1,
            number=tree.scope.root,
            issue_id=tree.issue_id,
            target=event.target,
            started_by=tree.by,
        ),
    )
    out.do(WakeAt(name="hours", delay_s=event.config.limits.hours * 3600))
    return put(tree, state="running", config=event.config, target=event.target)


def expire(tree: Tree, hours: float, out: Out) -> Tree:
    """Running attempts end; nothing new starts. A person is told once and decides."""
    reason = f"the cap of {hours:g} hours (limits.hours) is reached; `/branchwork retry` here gives it as many again"
    out.send(tree.root, ActionsHeld(cause="budget", reason=reason))
    out.do(Say(number=tree.scope.root, text="parked", facts={"reason": reason, "login": tree.by.login}))
    return put(tree, expired=True, reason=reason)


def dispatch(tree: Tree, out: Out) -> Tree:
    """Fills the free slots."""
    if tree.config is None or tree.state != "running" or tree.expired:
        return tree
    slots = tree.config.limits.workers - len(tree.running)
    if slots <= 0 or not tree.ready:
        return tree
    started, rest = choose(tree.ready, [r.paths for r in tree.running], slots)
    paths = {r.node: r.paths for r in tree.ready}
    for node in started:
        out.send(Address(kind="task", key=node), Dispatched())
    running = (*tree.running, *(Running(node=n, paths=paths[n]) for n in started))
    return put(tree, ready=tuple(rest), running=running)


def filing(tree: Tree, event: FilingAsked, out: Out) -> Tree:
    who = Address(kind="planner", key=event.node)
    cap = tree.config.limits.issues if tree.config else 0
    if tree.expired:
        out.send(who, FilingAnswered(turn=event.turn, granted=False, reason=tree.reason or "the time is over"))
        return tree
    if tree.issues + event.count > cap:
        reason = f"{event.count} more issues would pass the cap of {cap} (limits.issues); {tree.issues} are filed"
        out.send(who, FilingAnswered(turn=event.turn, granted=False, reason=reason))
        return tree
    out.send(who, FilingAnswered(turn=event.turn, granted=True))
    return put(tree, issues=tree.issues + event.count)
