"""GitHub's rules of issues: opening, editing, closing, labels, people and comments; milestones are in a file of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.localhub.machine.milestone_rules import BOTH, MilestoneRules
from tests.localhub.machine.model import Issue, Pull, Refused, demand
from tests.localhub.machine.people import RANK, ROLES, Person


class IssueRules(MilestoneRules):
    # -- issues

    def open_issue(
        self, actor: Person, title: str, body: str, labels: Sequence[str] = (), assignees: Sequence[str] = (),
        milestone: int | None = None,
    ) -> int:  # fmt: skip
        """Whoever can read may open one; labels and people of those who may not triage are dropped silently."""
        demand(actor, "read", "issues")
        if not title.strip():
            raise Refused(422, "no title")
        triages = actor.may("triage", "issues")
        if triages:
            self.check_milestone(milestone)
            self.check_people(None, assignees)
        issue = self.things[self.next_number] = Issue(self.next_number, actor.login, title, body)
        self.subscribe(issue, actor.login)
        issue.milestone = milestone if triages else None
        if issue.milestone is not None:
            self.note(issue, "milestoned", actor.login)
        issue.labels = list(labels) if triages else []
        issue.assignees = list(assignees) if triages else []
        for _ in issue.labels:
            self.note(issue, "labeled", actor.login)
        for _ in issue.assignees:
            self.note(issue, "assigned", actor.login)
        self.tell_of(issue, "opened", actor.login)
        for label in issue.labels:
            self.tell_of(issue, "labeled", actor.login, label=label)
        for login in issue.assignees:
            self.tell_of(issue, "assigned", actor.login, assignee=login)
        if issue.milestone is not None:
            self.tell_of(issue, "milestoned", actor.login, milestone=self.milestones[issue.milestone].title)
        self.mail_all(issue, "opened", actor.login, body)
        for login in issue.assignees:
            self.mail(issue, login, "assign", actor.login)
        return issue.number

    def may_edit_text(self, actor: Person, thing: Issue) -> bool:
        return actor.login == thing.author or actor.may("write", *BOTH)

    def edit_issue(self, actor: Person, number: int, **changes: Any) -> None:
        """PATCH of the issue: text, then labels, people and milestone, then the state.

        Authors may change text and state, triagers all but others' text; of authors the rest is dropped silently.
        """
        demand(actor, "read", *BOTH)
        thing = self.thing(actor, number)
        own, triages = actor.login == thing.author, actor.may("triage", *BOTH)
        if {"title", "body"} & set(changes) and not self.may_edit_text(actor, thing):
            raise Refused(403, "another's text")
        if not own and not triages:
            raise Refused(403)
        if "title" in changes and not changes["title"].strip():
            raise Refused(422, "no title")
        if triages:
            self.check_people(thing, changes.get("assignees", ()))
            self.check_milestone(changes.get("milestone"))
        state, reason = changes.get("state", thing.state), changes.get("state_reason")
        if state == "open" and not thing.open:
            self.check_reopening(thing)
        self._edit_text(actor, thing, changes)
        if triages and "labels" in changes:
            self._set_labels(actor, thing, changes["labels"])
        if triages and "assignees" in changes:
            self._set_assignees(actor, thing, changes["assignees"])
        if triages and "milestone" in changes:
            self.set_milestone(actor, thing, changes["milestone"])
        if state == "closed" and (thing.open or (reason and reason != thing.reason and not thing.is_pull)):
            self.close(thing, actor.login, reason or "completed")
        elif state == "open" and not thing.open:
            self.reopen(thing, actor.login)

    def _edit_text(self, actor: Person, thing: Issue, changes: dict[str, Any]) -> None:
        title, body = changes.get("title", thing.title), changes.get("body", thing.body)
        fields = tuple(
            name for name, new, old in (("body", body, thing.body), ("title", title, thing.title)) if new != old
        )
        if not fields:
            return
        if "title" in fields:
            self.note(thing, "renamed", actor.login)
        self.rewritten(thing, thing.body, body)
        thing.title, thing.body = title, body
        self.tell_of(thing, "edited", actor.login, changes=fields)

    def check_reopening(self, thing: Issue) -> None:
        """Issues can always be opened again; pull requests have rules of their own."""

    def close(self, thing: Issue, by: str, reason: str = "completed") -> None:
        """Close, or give another reason to a closed issue."""
        thing.state, thing.closed_by = "closed", by
        if not isinstance(thing, Pull):
            thing.reason = reason
        self.subscribe(thing, by)
        self.note(thing, "closed", by)
        self.tell_of(thing, "closed", by)
        self.mail_all(thing, "closed", by)

    def reopen(self, thing: Issue, by: str) -> None:
        thing.state, thing.closed_by = "open", None
        if not thing.is_pull:
            thing.reason = "reopened"
        self.subscribe(thing, by)
        self.note(thing, "reopened", by)
        self.tell_of(thing, "reopened", by)
        self.mail_all(thing, "reopened", by)

    def lock(self, actor: Person, number: int, *, locked: bool) -> None:
        demand(actor, "write", *BOTH)
        thing = self.thing(actor, number)
        thing.locked = locked
        self.note(thing, "locked" if locked else "unlocked", actor.login)
        self.tell_of(thing, "locked" if locked else "unlocked", actor.login)

    # -- labels and people

    def add_labels(self, actor: Person, number: int, labels: Sequence[str]) -> None:
        demand(actor, "triage", *BOTH)
        self._add_labels(actor, self.thing(actor, number), labels)

    def _add_labels(self, actor: Person, thing: Issue, labels: Sequence[str]) -> None:
        new = [label for label in dict.fromkeys(labels) if label not in thing.labels]
        thing.labels += new
        for _ in new:
            self.note(thing, "labeled", actor.login)
        for label in new:
            self.tell_of(thing, "labeled", actor.login, label=label)

    def _set_labels(self, actor: Person, thing: Issue, labels: Sequence[str]) -> None:
        for label in [each for each in thing.labels if each not in labels]:
            self._remove_label(actor, thing, label)
        self._add_labels(actor, thing, labels)

    def remove_label(self, actor: Person, number: int, label: str) -> None:
        demand(actor, "triage", *BOTH)
        thing = self.thing(actor, number)
        if label not in thing.labels:
            raise Refused(404, "the label is not on it")
        self._remove_label(actor, thing, label)

    def _remove_label(self, actor: Person, thing: Issue, label: str) -> None:
        thing.labels.remove(label)
        self.note(thing, "unlabeled", actor.login)
        self.tell_of(thing, "unlabeled", actor.login, label=label)

    def check_people(self, thing: Issue | None, logins: Sequence[str]) -> None:
        if not all(self.assignable(thing, each) for each in logins):
            raise Refused(422, "who cannot be assigned")

    def assignable(self, thing: Issue | None, login: str) -> bool:
        """Who may triage; the author and who commented, if they can read."""
        rank = RANK[ROLES.get(login, "none")]
        spoke = thing is not None and (
            login == thing.author or login in {author for author, _ in thing.comments.values()}
        )
        return rank >= RANK["triage"] or (rank > 0 and spoke)

    def assign(self, actor: Person, number: int, logins: Sequence[str]) -> None:
        """Without push access people are ignored silently, and so is who cannot be assigned."""
        demand(actor, "read", *BOTH)
        thing = self.thing(actor, number)
        if actor.may("triage", *BOTH):
            self._assign(actor, thing, logins)

    def _assign(self, actor: Person, thing: Issue, logins: Sequence[str]) -> None:
        new = [each for each in dict.fromkeys(logins) if each not in thing.assignees and self.assignable(thing, each)]
        thing.assignees += new
        for _ in new:
            self.note(thing, "assigned", actor.login)
        for login in new:
            self.tell_of(thing, "assigned", actor.login, assignee=login)
            self.mail(thing, login, "assign", actor.login)

    def unassign(self, actor: Person, number: int, logins: Sequence[str]) -> None:
        demand(actor, "read", *BOTH)
        thing = self.thing(actor, number)
        if actor.may("triage", *BOTH):
            self._unassign(actor, thing, logins)

    def _unassign(self, actor: Person, thing: Issue, logins: Sequence[str]) -> None:
        for login in [each for each in dict.fromkeys(logins) if each in thing.assignees]:
            thing.assignees.remove(login)
            self.note(thing, "unassigned", actor.login)
            self.tell_of(thing, "unassigned", actor.login, assignee=login)

    def _set_assignees(self, actor: Person, thing: Issue, logins: Sequence[str]) -> None:
        self._unassign(actor, thing, [each for each in thing.assignees if each not in logins])
        self._assign(actor, thing, logins)

    # -- comments

    def comment(self, actor: Person, number: int, text: str, comment_id: int) -> None:
        """Whoever can read; on a locked one, whoever can write."""
        demand(actor, "read", *BOTH)
        thing = self.thing(actor, number)
        if not text.strip():
            raise Refused(422, "blank")
        if thing.locked and not actor.may("write", *BOTH):
            raise Refused(403, "locked")
        thing.comments[comment_id] = (actor.login, text)
        self.note(thing, f"commented {comment_id}", actor.login)
        self.tell("issue_comment", "created", number=number, sender=actor.login, text=text)
        self.refer(number, text, actor.login)
        self.subscribe(thing, actor.login)
        self.mail_all(thing, "comment", actor.login, text)

    def _commented(self, actor: Person, comment_id: int) -> Issue:
        """What a comment is on, for who may change it: its author, and who can write."""
        demand(actor, "read", *BOTH)
        thing = next((each for each in self.things.values() if comment_id in each.comments), None)
        if thing is None:
            raise Refused(404)
        if not thing.is_pull:
            demand(actor, "read", "issues")  # an app's right to write pull requests opens no issue
        if thing.comments[comment_id][0] != actor.login and not actor.may("write", *BOTH):
            raise Refused(403, "another's comment")
        return thing

    def edit_comment(self, actor: Person, comment_id: int, text: str) -> None:
        """Nobody is mailed."""
        thing = self._commented(actor, comment_id)
        author, old = thing.comments[comment_id]
        thing.comments[comment_id] = (author, text)
        if old != text:
            self.touched.add(thing.number)
            self.rewritten(thing, old, text)
            self.tell("issue_comment", "edited", number=thing.number, sender=actor.login, text=text)
            self.refer(thing.number, text, actor.login)

    def delete_comment(self, actor: Person, comment_id: int) -> None:
        thing = self._commented(actor, comment_id)
        author, text = thing.comments.pop(comment_id)
        thing.timeline.remove((f"commented {comment_id}", author))
        self.touched.add(thing.number)
        self.tell("issue_comment", "deleted", number=thing.number, sender=actor.login, text=text)
