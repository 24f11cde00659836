"""What happens to a planner node: one event at a time."""

from __future__ import annotations

from planner import slices
from planner.actions import CloseIssue, ClosePull, DeleteBranch, React
from planner.events import (
    ActionFailed,
    ActionsHeld,
    ActionsReleased,
    AgentFailed,
    Approved,
    BeginPlanner,
    BranchReady,
    CancelAsked,
    ChecksMissing,
    ChecksSettled,
    ChildChanged,
    Event,
    FilingAnswered,
    GoalChanged,
    HeadPrepared,
    IssueClosed,
    IssueFiled,
    Landed,
    LandRefused,
    LandWithdrawn,
    PlanAnswered,
    PreviewPosted,
    PullClosed,
    PullMerged,
    PullOpened,
    RetryAsked,
    Reviewed,
    Said,
    SliceRefreshed,
    Spent,
    TrainHeld,
    TreeEnded,
    VerdictAnswered,
    Verified,
)
from planner.keys import child_key, root_planner, slice_train, target_train
from planner.node import Planner, add_news, enter, finish, park, put, put_child, redirect, tell, think, unpark
from planner.node_pull import on_pull, on_train
from planner.out import Out
from planner.policy import may_command
from planner.rounds import answered, begin_children, cancel_child, carry_out, filed, granted, meet
from planner.task_step import MINOR

MAX_REFUSED_CLAIMS = 3


def begin(event: BeginPlanner, out: Out) -> Planner:
    key = root_planner(event.scope.tree) if event.parent is None else child_key(event.parent, event.id)
    node = Planner(
        scope=event.scope,
        config=event.config,
        key=key,
        id=event.id,
        parent=event.parent,
        depth=event.depth,
        number=event.number,
        issue_id=event.issue_id,
        target=event.target,
        goal=event.goal,
        started_by=event.started_by,
    )
    out.route(node.me, issue=node.number)
    return think(add_news(node, {"what": "begin"}), out)


def on(node: Planner, event: Event, out: Out) -> Planner:
    """Total over events: what a planner has no use for changes nothing."""
    if node.state in ("done", "cancelled"):
        return late(node, event, out)
    match event:
        case PlanAnswered() | AgentFailed() | VerdictAnswered():
            return on_agent(node, event, out)
        case PreviewPosted(comment_id=comment):
            out.route(node.me, comment=comment)
            return node
        case FilingAnswered(granted=yes, reason=reason):
            if not node.filing or node.plan is None:
                return node
            return granted(node, out) if yes else park(put(node, plan=None, filing=False), out, reason)
        case IssueFiled(child=child, number=number, issue_id=ident):
            return filed(node, child, number, ident, out)
        case BranchReady(branch=branch):
            return begin_children(put(node, slice_ready=True), out) if branch == node.slice else node
        case ChildChanged():
            return on_child(node, event, out)
        case PullOpened() | ChecksSettled() | ChecksMissing() | Verified() | PullMerged() | PullClosed():
            return on_pull(node, event, out)
        case Landed() | LandRefused() | HeadPrepared():
            return on_train(node, event, out)
        case Approved() | Said() | RetryAsked() | Reviewed() | IssueClosed():
            return on_person(node, event, out)
        case SliceRefreshed(sha=sha, ids=ids, reason=reason):
            return slices.refreshed(node, sha, ids, reason, out)
        case GoalChanged(goal=goal, reason=reason):
            news = {"what": "goal_changed", "goal": goal.body, "reason": reason}
            return think(add_news(put(node, goal=goal.model_copy(update={"title": node.goal.title})), news), out)
        case CancelAsked(reason=reason):
            return cancel(node, reason, out)
        case ActionsHeld() | ActionsReleased() | ActionFailed():
            return on_trouble(node, event, out)
        case _:
            return node


def on_trouble(node: Planner, event: ActionsHeld | ActionsReleased | ActionFailed, out: Out) -> Planner:
    match event:
        case ActionsHeld(cause=cause, reason=reason):
            return put(node, held=(*(h for h in node.held if h[0] != cause), (cause, reason)))
        case ActionsReleased(cause=cause):
            return put(node, held=tuple(h for h in node.held if h[0] != cause))
        case ActionFailed(action_type=kind, reason=reason):
            if kind in MINOR:
                return node
            return park(node, out, f"{kind} could not be done: {reason}")


def late(node: Planner, event: Event, out: Out) -> Planner:
    """After the end: what was still under way is put away."""
    match event:
        case PullOpened(pull=pull) if node.state == "cancelled":
            out.do(ClosePull(pull=pull, reason=node.reason or "cancelled"))
        case IssueFiled(child=key, number=number, issue_id=ident):
            return filed(node, key, number, ident, out)
        case ChildChanged(view=view):
            child = node.child(view.id)
            if child is not None:
                return put_child(node, child.model_copy(update={"view": view}))
        case PlanAnswered(usage=usage) | VerdictAnswered(usage=usage) | AgentFailed(usage=usage):
            out.send(node.tree, Spent(usage=usage))
        case _:
            pass
    return node


def on_agent(node: Planner, event: PlanAnswered | AgentFailed | VerdictAnswered, out: Out) -> Planner:
    out.send(node.tree, Spent(usage=event.usage))
    node = put(node, usage=node.usage + event.usage)
    if event.turn != node.turn:
        return node
    match event:
        case PlanAnswered():
            return answered(node, event, out) if node.turn_running else node
        case AgentFailed(role=role, errors=errors):
            if role == "planner" and not node.turn_running:
                return node
            node = put(node, news=(*node.asked, *node.news))
            return park(node, out, f"the {role}'s answer was not usable: " + "; ".join(errors))
        case VerdictAnswered():
            return on_verdict(node, event, out) if node.state == "judging" else node


def on_verdict(node: Planner, event: VerdictAnswered, out: Out) -> Planner:
    node = put(node, verdict=event.verdict, evidence=event.evidence, diff=event.diff)
    match event.verdict.verdict:
        case "done":
            if not slices.on_slice(node):
                return finish(node, out)
            if node.cut:
                out.send(slice_train(node.key), TrainHeld(held=False))
            node = enter(put(node, cut=False), out, "slice")
            if node.pull is not None:  # a part of the slice was shown already: it is the whole now
                return slices.advance(slices.rewrite(node, out), out)
            return slices.open_pull(node, out, event.sha)
        case "continue":
            if node.refused_claims + 1 >= MAX_REFUSED_CLAIMS:
                return park(node, out, f"the judge refused {MAX_REFUSED_CLAIMS} claims: {event.verdict.reason}")
            news = {
                "what": "verdict",
                "verdict": "continue",
                "reason": event.verdict.reason,
                "missing": list(event.verdict.missing),
            }
            node = put(node, refused_claims=node.refused_claims + 1)
            return think(add_news(enter(node, out, "running"), news), out)
        case "stop":
            return park(node, out, f"the judge says stop: {event.verdict.reason}")


def on_child(node: Planner, event: ChildChanged, out: Out) -> Planner:
    child = node.child(event.view.id)
    if child is None:
        return node
    was_met = child.met
    keep = child.view
    view = event.view.model_copy(
        update={"number": event.view.number or keep.number, "paths": keep.paths, "depends_on": keep.depends_on}
    )
    changed = view.state != keep.state
    child = child.model_copy(
        update={
            "view": view,
            "files": event.files or child.files,
            "seq": node.seq if changed else child.seq,
            "reached": child.reached and event.landed_sha is None,
        }
    )
    node = put_child(node, child)
    if event.landed_sha is not None and not node.single:
        node = slices.grown(node, out, event.landed_sha, view.lines)
    if event.revised is not None:
        node = slices.revised(node, child.id, event.revised)
    if child.view.kind == "planner" and view.state == "done" and keep.state != "done":
        node = slices.arrived_below(node, child, out)
    elif child.met and not was_met:
        node = meet(node, child, out)
    if event.wake and not (event.revised is not None and node.state == "slice"):
        news = {"what": "child", "id": child.id, "state": view.state, "reason": view.reason}
        if view.report is not None:
            news["summary"] = view.report.summary
        node = add_news(node, news)
        if node.state == "slice" and view.state == "failed":
            node = enter(node, out, "running")
    return think(node, out)


def on_person(node: Planner, event: Approved | Said | RetryAsked | Reviewed | IssueClosed, out: Out) -> Planner:
    match event:
        case Approved(by=by, plan_hash=plan_hash):
            plan = node.plan
            if node.state != "preview" or plan is None or not may_command(by, node.config):
                return node
            if plan_hash is not None and plan_hash != node.plan_hash:
                return node
            return carry_out(put(node, approved=True), plan, out)
        case Reviewed():
            return slices.reviewed(node, event, out)
        case Said(by=by, comment_id=comment):
            if not may_command(by, node.config):
                return node
            out.do(React(comment_id=comment, content="eyes"))
            if node.state == "slice":
                node = enter(node, out, "running")
            return think(redirect(unpark(node, out), event), out)
        case RetryAsked(by=by):
            if node.parent is None:
                out.send(node.tree, event)  # its time may be over: the tree decides
            if node.state != "parked" or not may_command(by, node.config):
                return node
            node = unpark(node, out)
            if node.state in ("planning", "running") and not node.news:
                node = add_news(node, {"what": "retry", "by": by.login})
            return slices.advance(think(node, out), out)
        case IssueClosed(by=by):
            if by is None or not may_command(by, node.config):
                return node
            return cancel(node, f"{by.login} closed the issue", out)


def cancel(node: Planner, reason: str, out: Out) -> Planner:
    """Ends the whole slice, children first; nothing is orphaned."""
    for child in node.children:
        if not child.reached:
            node = cancel_child(node, child.id, reason, out)
    if node.pull is not None:
        out.send(target_train(node.scope.repo_id, node.target), LandWithdrawn(node=node.key))
        out.do(ClosePull(pull=node.pull.number, reason=reason))
    if node.slice_ready:
        out.do(DeleteBranch(branch=node.slice))
    out.do(CloseIssue(number=node.number, reason="not_planned", note=reason))
    node = enter(put(node, pull=None), out, "cancelled", reason)
    if node.parent is None:
        out.send(node.tree, TreeEnded(outcome="stopped"))
    tell(node, out)
    return node
