"""How a plan is carried out: preview, filing, children begun as their issues appear, changes, cancellations, claims."""

from __future__ import annotations

from typing import Any

from planner import keys
from planner.actions import CloseIssue, EnsureBranch, FileIssue, LinkDependency, PostPreview, RunJudge
from planner.events import BeginPlanner, BeginTask, CancelAsked, DependencyMet, FilingAsked, GoalChanged, PlanAnswered
from planner.facts import ChildView, Goal
from planner.node import Child, Planner, add_news, enter, known, park, put, put_child, think
from planner.out import Out
from planner.plan import (
    AddSubplanner,
    AddTask,
    AskPerson,
    Cancel,
    Change,
    ClaimDone,
    KeepWaiting,
    Plan,
    additions,
    problems,
)
from planner.redirects import answer_redirects
from planner.turn import judge_input


def answered(node: Planner, event: PlanAnswered, out: Out) -> Planner:
    """A turn's answer: refused with reasons once, then parked; else carried out."""
    node = put(node, turn_running=False)
    found = problems(
        event.plan,
        known(node),
        depth=node.depth,
        max_depth=node.config.limits.depth,
        saw=node.turn_saw,
    )
    if found:
        stale = all("changed while you were planning" in p for p in found)
        if node.invalid and not stale:
            return park(put(node, news=node.asked), out, "the plan cannot be carried out: " + "; ".join(found))
        again: tuple[dict[str, Any], ...] = (*node.asked, {"what": "invalid", "errors": list(found)}, *node.news)
        return think(put(node, invalid=node.invalid + (not stale), news=again), out)
    plan = event.plan
    node = put(node, invalid=0, scratchpad=plan.scratchpad, summary=plan.summary)
    adds = additions(plan)
    if adds and needs_approval(node):
        plan_hash = keys.digest(node.key, node.turn, plan.model_dump_json())
        out.do(PostPreview(number=node.number, plan_hash=plan_hash))
        node = put(node, plan=plan, plan_hash=plan_hash, single=False)
        return think(enter(node, out, "preview"), out)
    return carry_out(node, plan, out)


def needs_approval(node: Planner) -> bool:
    match node.config.approve:
        case "never":
            return False
        case "root":
            return node.parent is None and not node.approved
        case "every":
            return not node.approved


def carry_out(node: Planner, plan: Plan, out: Out) -> Planner:
    """Asks the tree for leave to file what is new; everything else is done at once."""
    adds = additions(plan)
    match adds:
        case [AddTask() as only] if not node.children and node.parent is None:
            return rest(begin_single(node, only, out), plan, out)
        case _:
            pass
    if adds:
        out.send(node.tree, FilingAsked(node=node.key, turn=node.turn, count=len(adds)))
        return put(node, plan=plan, filing=True)
    return rest(node, plan, out)


def begin_single(node: Planner, op: AddTask, out: Out) -> Planner:
    """A plan of one task files no sub-issue: one pull request towards the target closes this issue."""
    child = declare(node, op)
    node = put(node, children=(child,), single=True, plan=None)
    node = enter(node, out, "running")
    return begin_child(node, child, out)


def declare(node: Planner, op: AddTask | AddSubplanner) -> Child:
    goal = Goal(
        title=op.title,
        body=op.goal,
        acceptance=op.acceptance,
        paths=op.paths,
        forbidden=op.forbidden if isinstance(op, AddTask) else (),
    )
    return Child(
        view=ChildView(
            id=op.id,
            kind="task" if isinstance(op, AddTask) else "planner",
            title=op.title,
            state="declared",
            paths=op.paths,
            depends_on=op.depends_on,
        ),
        key=keys.child_key(node.key, op.id),
        goal=goal,
        waits_for=op.depends_on,
        priority=op.priority if isinstance(op, AddTask) else 0,
        seq=node.seq,
    )


def granted(node: Planner, out: Out) -> Planner:
    """The tree agreed: declare the children, file their issues, then do the rest of the plan."""
    plan = node.plan
    if plan is None:
        return node
    new = [declare(node, op) for op in additions(plan)]
    node = put(node, plan=None, filing=False, children=(*node.children, *new))
    for child in new:
        out.do(
            FileIssue(
                child=child.key,
                child_id=child.id,
                kind=child.view.kind,
                parent_number=node.number,
                parent_issue_id=node.issue_id,
                goal=child.goal,
                depends_on=child.view.depends_on,
            )
        )
    slices = node.config.land == "planner"
    if slices and not node.slice_asked and any(c.view.kind == "task" for c in new):
        out.do(EnsureBranch(branch=node.slice, source=node.target))
        node = put(node, slice_asked=True)
    return rest(enter(node, out, "running"), plan, out)


def filed(node: Planner, key: str, number: int, issue_id: int, out: Out) -> Planner:
    child = next((c for c in node.children if c.key == key), None)
    if child is None or child.issue_id is not None:
        return node
    view = child.view.model_copy(update={"number": number})
    child = child.model_copy(update={"view": view, "issue_id": issue_id})
    node = put_child(node, child)
    out.route(child.address, issue=number)
    if view.state == "cancelled":  # while its issue was being filed
        out.do(CloseIssue(number=number, reason="not_planned", note=view.reason or ""))
        return node
    for other in node.children:
        if other.issue_id is None or other.view.number is None:
            continue
        if other.id in child.view.depends_on:
            out.do(LinkDependency(number=number, blocker_id=other.issue_id))
        if child.id in other.view.depends_on:
            out.do(LinkDependency(number=other.view.number, blocker_id=issue_id))
    return begin_children(node, out)


def begin_children(node: Planner, out: Out) -> Planner:
    for child in node.children:
        if not child.begun and child.issue_id is not None and child.view.state == "declared":
            node = begin_child(node, child, out)
    return node


def begin_child(node: Planner, child: Child, out: Out) -> Planner:
    """A task begins once its branch exists; a sub-planner once what it depends on is on the target."""
    waits = tuple(i for i in child.waits_for if not ((c := node.child(i)) and c.met))
    if child.view.kind == "planner":
        if waits or child.issue_id is None or child.view.number is None:
            return node
        out.send(
            child.address,
            BeginPlanner(
                scope=node.scope,
                config=node.config,
                goal=child.goal,
                parent=node.key,
                id=child.id,
                depth=node.depth + 1,
                number=child.view.number,
                issue_id=child.issue_id,
                target=node.target,
                started_by=node.started_by,
            ),
        )
    else:
        direct = node.single or node.config.land == "task"
        if not direct and not node.slice_ready:
            return node
        out.send(
            child.address,
            BeginTask(
                scope=node.scope,
                config=node.config,
                goal=child.goal,
                parent=node.key,
                id=child.id,
                number=child.view.number or node.number,
                issue_id=None if node.single else child.issue_id,
                base=node.target if direct else node.slice,
                lands_on_target=direct,
                waits_for=waits,
                priority=child.priority,
                started_by=node.started_by,
            ),
        )
        for ident in set(child.waits_for) - set(waits):
            met = node.child(ident)
            if met is not None and met.view.report is not None:
                out.send(child.address, DependencyMet(id=ident, report=met.view.report))
    return put_child(node, child.model_copy(update={"begun": True, "waits_for": waits}))


def meet(node: Planner, met: Child, out: Out) -> Planner:
    """Tells those who wait for `met`; begins sub-planners that waited."""
    for child in node.children:
        if met.id in child.waits_for:
            if child.begun and child.view.kind == "task":
                out.send(child.address, DependencyMet(id=met.id, report=met.view.report))
            rest_ = tuple(i for i in child.waits_for if i != met.id)
            node = put_child(node, child.model_copy(update={"waits_for": rest_}))
    return begin_children(node, out)


def rest(node: Planner, plan: Plan, out: Out) -> Planner:
    """Everything of a plan but its additions; then the answer to whoever redirected."""
    for op in plan.operations:
        match op:
            case AddTask() | AddSubplanner() | KeepWaiting():
                pass
            case Change():
                node = change(node, op, out)
            case Cancel():
                node = cancel_child(node, op.id, op.reason, out)
            case AskPerson(question=question):
                node = park(node, out, question, question=True)
            case ClaimDone(evidence=evidence):
                node = claim(node, evidence, out)
    node = answer_redirects(node, plan, out)
    if node.state in ("planning", "preview"):
        node = enter(node, out, "running")
    if node.state == "running" and not node.news and all(c.ended for c in node.children):
        node = add_news(node, {"what": "children_ended"})  # by this very plan: nothing else would wake its planner
    return think(node, out)


def change(node: Planner, op: Change, out: Out) -> Planner:
    child = node.child(op.id)
    if child is None:
        return node
    goal = child.goal.model_copy(
        update={
            "body": op.goal,
            "acceptance": op.acceptance if op.acceptance is not None else child.goal.acceptance,
            "paths": op.paths if op.paths is not None else child.goal.paths,
        }
    )
    if child.begun:
        out.send(child.address, GoalChanged(goal=goal, reason=op.reason))
    view = child.view.model_copy(update={"paths": goal.paths})
    return put_child(node, child.model_copy(update={"goal": goal, "view": view, "seq": node.seq}))


def cancel_child(node: Planner, ident: str, reason: str, out: Out) -> Planner:
    child = node.child(ident)
    if child is None or child.view.state in ("done", "cancelled"):
        return node
    if child.begun:
        out.send(child.address, CancelAsked(reason=reason))
    elif child.view.number is not None:
        out.do(CloseIssue(number=child.view.number, reason="not_planned", note=reason))
    view = child.view.model_copy(update={"state": "cancelled", "reason": reason})
    child = child.model_copy(update={"view": view, "seq": node.seq})
    return meet(put_child(node, child), child, out)


def claim(node: Planner, evidence: str, out: Out) -> Planner:
    """Believed only when the judge agrees, on what the trusted side measures."""
    test = node.config.commands.test
    node = put(node, claim=evidence)
    out.do(
        RunJudge(
            turn=node.turn,
            branch=node.base,
            target=node.target,
            commands=tuple(dict.fromkeys((*node.goal.acceptance, *((test,) if test else ())))),
            model=node.config.models.judge,
            input=judge_input(node),
        )
    )
    return enter(node, out, "judging")
