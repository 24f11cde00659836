"""Comments, labels and reactions: one comment for each purpose, edited in place where nobody must act."""

from __future__ import annotations

from bot import comments, previews
from bot.contract import ActionRow, Performed
from bot.github.errors import NotFound, Refused
from bot.github.gateway import Gateway
from bot.github.values import Comment
from bot.perform.context import Deps, keep_marker, result
from planner.actions import AnswerRedirect, PostPreview, React, RefreshStatus, Say, SetLabels
from planner.events import PreviewPosted
from planner.policy import RoleModel
from planner.view import PlannerView
from worker.task import Usage

COLOURS = {"planning": "c5def5", "running": "bfd4f2", "parked": "fbca04", "done": "0e8a16"}
MEANING = {
    "planning": "a planner is at work",
    "running": "tasks are under way",
    "parked": "waits for a person",
    "done": "nothing is left to do",
}


def post(deps: Deps, row: ActionRow, number: int, kind: str, body: str) -> Comment:
    """This action's one comment: found by its marker, or written."""
    gateway = deps.gateway(row)
    found = None
    if row.maybe_done:
        found = _find(deps, row, gateway, number)
        if found is None:
            deps.pause(deps.timing.again)
            found = _find(deps, row, gateway, number)
    return found or gateway.issues.add_comment(number, body + deps.mark(row, kind, number, node=row.owner.key))


def _find(deps: Deps, row: ActionRow, gateway: Gateway, number: int) -> Comment | None:
    return next((c for c in gateway.issues.comments(number) if deps.is_mine(row, c.body)), None)


def shown(deps: Deps, row: ActionRow) -> PlannerView | None:
    """A planner as people see it; the root's spending is the whole tree's, from the ledger."""
    view = deps.view(row.owner.key)
    if view is None or view.parent is not None:
        return view
    return view.model_copy(update={"usage": deps.books.spent(row.scope.tree)})


def say(deps: Deps, row: ActionRow, action: Say) -> Performed:
    view = shown(deps, row) if row.owner.kind == "planner" else None
    post(deps, row, action.number, "say", comments.say(action.text, action.facts, view, deps.gateways.app().slug))
    return Performed()


def post_preview(deps: Deps, row: ActionRow, action: PostPreview) -> Performed:
    view = deps.view(row.owner.key)
    if view is None or view.plan is None or view.plan_hash != action.plan_hash:
        return Performed(note="a newer plan has taken its place")
    gateway = deps.gateway(row)
    seen = gateway.issues.comments(action.number)
    mine = next((c for c in seen if deps.is_mine(row, c.body)), None)
    if mine is None and row.maybe_done:
        deps.pause(deps.timing.again)
        seen = gateway.issues.comments(action.number)
        mine = next((c for c in seen if deps.is_mine(row, c.body)), None)
    if mine is None:
        body = previews.preview(view, _basis(deps, row), deps.gateways.app().slug)
        marker = deps.mark(row, "preview", action.number, node=row.owner.key, hash=action.plan_hash)
        mine = gateway.issues.add_comment(action.number, body + marker)
    for old in seen:
        mark = deps.marks.read(row.scope.repo_id, old.body)
        if mark and mark.kind == "preview" and old.id != mine.id and "Approve this plan" in (old.body or ""):
            gateway.issues.edit_comment(old.id, keep_marker(old.body, "Replaced: a newer plan is below."))
    return result(row, PreviewPosted(comment_id=mine.id, plan_hash=action.plan_hash))


def _basis(deps: Deps, row: ActionRow) -> previews.CostBasis:
    """What tasks cost in this repository, else a guess from the model's price."""
    known = deps.books.cost_basis(row.scope.repo_id)
    if known is not None:
        return known
    guess = Usage(input_tokens=previews.GUESS_INPUT, output_tokens=previews.GUESS_OUTPUT)
    return previews.CostBasis(deps.models.of(RoleModel()).price.dollars(guess), 0)


def refresh_status(deps: Deps, row: ActionRow, action: RefreshStatus) -> Performed:
    view = shown(deps, row)
    if view is None:
        return Performed(note="nothing to show yet")
    gateway = deps.gateway(row)
    spent = view.usage.model_dump()
    attempts = {c.id: c.attempts for c in view.children if c.attempts}
    marker = deps.marks.sign(
        row.scope, "status", action.number, f"status:{row.owner.key}", {"spent": spent, "attempts": attempts}
    )
    body = f"{comments.status(view)}\n\n{marker}"
    known = deps.known_comments.get(row.owner.key)
    if known is None:
        known = _status_comment(deps, row, gateway, action.number)
    if known is not None:
        try:
            gateway.issues.edit_comment(known, body)
        except NotFound:  # a person deleted it
            known = None
    if known is None:
        known = gateway.issues.add_comment(action.number, body).id
    deps.known_comments[row.owner.key] = known
    return Performed()


def _status_comment(deps: Deps, row: ActionRow, gateway: Gateway, number: int) -> int | None:
    wanted = f"status:{row.owner.key}"
    for again in (False, True):
        if again:
            deps.pause(deps.timing.again)
        for comment in gateway.issues.comments(number):
            mark = deps.marks.read(row.scope.repo_id, comment.body)
            if mark is not None and mark.key == wanted:
                return comment.id
        if not row.maybe_done:
            return None
    return None


def answer_redirect(deps: Deps, row: ActionRow, action: AnswerRedirect) -> Performed:
    post(deps, row, action.number, "redirect", comments.redirect(action.summary, action.rows))
    return Performed()


def set_labels(deps: Deps, row: ActionRow, action: SetLabels) -> Performed:
    gateway = deps.gateway(row)
    wanted = f"branchwork:{action.state}"
    if (row.scope.repo_id, wanted) not in deps.labels_made:
        gateway.issues.ensure_label(wanted, COLOURS[action.state], MEANING[action.state])
        deps.labels_made.add((row.scope.repo_id, wanted))
    present = gateway.issues.labels(action.number)
    for state in COLOURS:
        if state != action.state and (name := f"branchwork:{state}") in present:
            gateway.issues.remove_label(action.number, name)
    if wanted not in present:
        gateway.issues.add_labels(action.number, [wanted])
    return Performed()


def react(deps: Deps, row: ActionRow, action: React) -> Performed:
    try:
        deps.gateway(row).issues.react(action.comment_id, action.content)
    except (NotFound, Refused):
        return Performed(note="the comment takes no reaction")
    return Performed()
