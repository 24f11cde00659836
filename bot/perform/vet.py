"""People's acts, vetted: what they may do is read from the API at the time, and what the webhook left out is fetched.

The facts that `bot.intake` names: labeled, commented, ticked, reviewed, pull_closed, issue_closed.
"""

from __future__ import annotations

from typing import Any, Literal, cast

from bot.contract import ActionRow, Performed
from bot.github.errors import NotFound, Refused
from bot.github.values import LineComment
from bot.perform import comments
from bot.perform.context import Deps, to
from bot.prompting import clean
from planner import events
from planner.actions import Say, Vet
from planner.facts import ReviewComment
from planner.model import Person

STATES = {"approved": "approved", "changes_requested": "changes_requested", "dismissed": "dismissed"}


def vet(deps: Deps, row: ActionRow, action: Vet) -> Performed:
    facts = action.facts
    who = _person(deps, row, action)
    ident = str(facts["id"])
    event: events.Event
    match action.fact:
        case "labeled":
            ident = _label_event(deps, row, action, ident)
            event = events.RootLabeled(
                scope=row.scope,
                issue_id=_int(facts["issue_id"]),
                title=str(facts["title"]),
                body=clean(str(facts["body"]), 60_000),
                by=who,
            )
        case "commented":
            return _commented(deps, row, action, who)
        case "ticked":
            if not who.may_write:
                return Performed(note=f"{who.login} may not approve")
            event = events.Approved(by=who, plan_hash=str(facts["hash"]))
        case "reviewed":
            event = _reviewed(deps, row, facts, who)
        case "pull_closed":
            event = events.PullClosed(pull=_int(facts["pull"]), by=who)
        case "issue_closed":
            event = events.IssueClosed(number=_int(facts["number"]), by=who)
        case _:
            raise ValueError(f"nobody knows the fact {action.fact!r}")
    return to(action.to, ident, event)


def _label_event(deps: Deps, row: ActionRow, action: Vet, otherwise: str) -> str:
    """The fact's id: GitHub's own number of the newest labelling by this person, whoever told us of it."""
    label = str(action.facts["label"])
    for event in reversed(deps.gateway(row).issues.events(row.scope.root)):
        by_them = event.actor is not None and event.actor.login == action.login
        if event.event == "labeled" and event.label is not None and event.label.name == label and by_them:
            return f"labeled:{event.id}"
    return otherwise


def _person(deps: Deps, row: ActionRow, action: Vet) -> Person:
    app_id = action.facts.get("app_id")
    if app_id is not None:
        return Person(login=action.login, id=0, app_id=_int(app_id))
    return deps.gateway(row).person(action.login)


def _commented(deps: Deps, row: ActionRow, action: Vet, who: Person) -> Performed:
    facts = action.facts
    number, comment_id, ident = _int(facts["number"]), _int(facts["comment_id"]), str(facts["id"])
    if not who.may_write and who.app_id is None:
        _react(deps, row, comment_id, "confused")
        return Performed(note=f"{who.login} has the permission {who.permission!r} and may not command")
    match facts["asked"]:
        case "approve":
            return to(action.to, ident, events.Approved(by=who, plan_hash=None))
        case "retry":
            return to(action.to, ident, events.RetryAsked(by=who))
        case "said":
            words = clean(str(facts["words"]))
            return to(action.to, ident, events.Said(by=who, number=number, comment_id=comment_id, words=words))
        case "help":
            comments.say(deps, row, Say(number=number, text="help"))
            return Performed()
        case _:
            mean = facts.get("did_you_mean")
            told: dict[str, str | int | float | list[str]] = {"word": str(facts["words"])}
            if mean:
                told["did_you_mean"] = str(mean)
            comments.say(deps, row, Say(number=number, text="unknown_command", facts=told))
            _react(deps, row, comment_id, "confused")
            return Performed()


def _react(deps: Deps, row: ActionRow, comment_id: int, content: str) -> None:
    try:
        deps.gateway(row).issues.react(comment_id, content)
    except (NotFound, Refused):
        return  # the comment was deleted, or the conversation is locked: there is nobody to tell


def _reviewed(deps: Deps, row: ActionRow, facts: dict[str, Any], who: Person) -> events.Reviewed:
    pulls = deps.gateway(row).pulls
    pull, review_id = _int(facts["pull"]), _int(facts["review_id"])
    found = pulls.review_comments(pull, review_id)
    threads = {t.first_comment: t.id for t in pulls.threads(pull)} if found else {}
    state = cast(
        Literal["approved", "changes_requested", "commented", "dismissed"], STATES.get(str(facts["state"]), "commented")
    )
    return events.Reviewed(
        by=who,
        pull=pull,
        review_id=review_id,
        state=state,
        sha=str(facts["sha"]),
        body=clean(str(facts["body"])),
        comments=tuple(_line_comment(c, threads.get(c.id)) for c in found if c.in_reply_to_id is None),
    )


def _line_comment(comment: LineComment, thread: str | None) -> ReviewComment:
    return ReviewComment(
        id=comment.id,
        path=comment.path,
        line=comment.line or comment.original_line,
        body=clean(comment.body),
        hunk=clean(comment.diff_hunk, 4_000),
        thread=thread,
    )


def _int(value: object) -> int:
    return int(str(value))
