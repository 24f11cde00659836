"""GitHub's rules of pull requests: opening, editing, drafts, reviews, what a protected base demands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.localhub.machine.issue_rules import IssueRules
from tests.localhub.machine.model import Issue, Protection, Pull, Refused, Review, demand
from tests.localhub.machine.people import BOT, RANK, ROLES, Person

VERDICTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class PullRules(IssueRules):
    # -- opening and editing

    def open_pull(self, actor: Person, title: str, body: str, head: str, base: str, *, draft: bool = False) -> int:
        """Two branches with commits between them, and no other open pull request for the same two."""
        demand(actor, "read", "pull_requests")
        if not title.strip():
            raise Refused(422, "no title")
        self.check_ends(head, base)
        number = self.next_number
        pull = self.things[number] = Pull(number, actor.login, title, body, head=head, base=base, draft=draft)
        pull.head_sha, pull.base_sha = self.branches[head], self.branches[base]
        self.subscribe(pull, actor.login)
        self.tell_of(pull, "opened", actor.login)
        self.mail_all(pull, "opened", actor.login, body)
        return number

    def check_ends(self, head: str, base: str) -> None:
        if head not in self.branches or base not in self.branches:
            raise Refused(422, "no such branch")
        if self.commits.is_ancestor(self.branches[head], self.branches[base]):
            raise Refused(422, "no commits between")
        if self.pulls(head=head, base=base, state="open"):
            raise Refused(422, "there is one already")

    def edit_pull(self, actor: Person, number: int, **changes: Any) -> None:
        """PATCH of the pull request: text and base by its author and who can write, the state by triagers too."""
        demand(actor, "read", "pull_requests")
        pull = self.pull(actor, number)
        own, triages = actor.login == pull.author, actor.may("triage", "pull_requests")
        text = {"title", "body", "base"} & set(changes)
        if not own and not (actor.may("write", "pull_requests") if text else triages):
            raise Refused(403)
        if "title" in changes and not changes["title"].strip():
            raise Refused(422, "no title")
        base, state = changes.get("base", pull.base), changes.get("state", pull.state)
        if base != pull.base:
            if not pull.open:
                raise Refused(422, "the base of a closed one cannot be changed")
            self.check_ends(pull.head, base)
        if state == "open" and not pull.open:
            self.check_reopening(pull)
        self._edit_pull(actor, pull, changes, base)
        if state == "closed" and pull.open:
            self.close(pull, actor.login)
        elif state == "open" and not pull.open:
            self.reopen(pull, actor.login)

    def _edit_pull(self, actor: Person, pull: Pull, changes: dict[str, Any], base: str) -> None:
        title, body = changes.get("title", pull.title), changes.get("body", pull.body)
        pairs = (("base", base, pull.base), ("body", body, pull.body), ("title", title, pull.title))
        fields = tuple(name for name, new, old in pairs if new != old)
        if not fields:
            return
        if "title" in fields:
            self.note(pull, "renamed", actor.login)
        if "base" in fields:
            self.note(pull, "base_ref_changed", actor.login)
            pull.base, pull.base_sha = base, self.branches[base]
        self.rewritten(pull, pull.body, body)
        pull.title, pull.body = title, body
        self.tell_of(pull, "edited", actor.login, changes=fields)

    def check_reopening(self, thing: Issue) -> None:
        """Not once merged; both branches must be there, with commits between them, the head not rewritten since."""
        if not isinstance(thing, Pull):
            return
        if thing.merged:
            raise Refused(422, "merged")
        self.check_ends(thing.head, thing.base)
        if not self.commits.is_ancestor(thing.head_sha, self.branches[thing.head]):
            raise Refused(422, "the branch was force-pushed or recreated")

    def reopen(self, thing: Issue, by: str) -> None:
        """It takes up what was pushed meanwhile."""
        if isinstance(thing, Pull):
            thing.head_sha, thing.base_sha = self.branches[thing.head], self.branches[thing.base]
        super().reopen(thing, by)

    def set_draft(self, actor: Person, number: int, *, draft: bool) -> None:
        """By its author and who can write (over GraphQL only)."""
        demand(actor, "read", "pull_requests")
        pull = self.pull(actor, number)
        if actor.login != pull.author and not actor.may("write", "pull_requests"):
            raise Refused(403)
        if not pull.open:
            raise Refused(422, "closed")
        if pull.draft != draft:
            pull.draft = draft
            self.note(pull, "convert_to_draft" if draft else "ready_for_review", actor.login)
            self.tell_of(pull, "converted_to_draft" if draft else "ready_for_review", actor.login)

    # -- reviewers and reviews

    def request_review(self, actor: Person, number: int, logins: Sequence[str]) -> None:
        """Of collaborators who are not its author."""
        pull = self._asking(actor, number)
        if any(login == pull.author or RANK[ROLES.get(login, "none")] == 0 for login in logins):
            raise Refused(422)
        for login in logins:
            if login not in pull.requested:
                pull.requested.append(login)
                self.note(pull, "review_requested", actor.login)
                self.tell_of(pull, "review_requested", actor.login, reviewer=login)
                self.mail(pull, login, "review_requested", actor.login)

    def unrequest_review(self, actor: Person, number: int, logins: Sequence[str]) -> None:
        pull = self._asking(actor, number)
        for login in logins:
            if login in pull.requested:
                pull.requested.remove(login)
                self.note(pull, "review_request_removed", actor.login)
                self.tell_of(pull, "review_request_removed", actor.login, reviewer=login)

    def _asking(self, actor: Person, number: int) -> Pull:
        demand(actor, "read", "pull_requests")
        pull = self.pull(actor, number)
        if actor.login != pull.author and not actor.may("triage", "pull_requests"):
            raise Refused(403)
        return pull

    def review(self, actor: Person, number: int, event: str, body: str, review_id: int) -> None:
        """Nobody judges their own work; asking for changes and commenting need words."""
        demand(actor, "read", "pull_requests")
        pull = self.pull(actor, number)
        if actor.login == pull.author and event != "COMMENT":
            raise Refused(422, "one's own")
        if event != "APPROVE" and not body:
            raise Refused(422, "no words")
        if pull.locked and not actor.may("write", "pull_requests"):
            raise Refused(403, "locked")
        self.check_no_other_begun(actor, pull)
        pull.reviews[review_id] = Review(actor.login, VERDICTS[event], pull.head_sha, body)
        if actor.login in pull.requested:
            pull.requested.remove(actor.login)
        self.note(pull, f"reviewed {review_id}", actor.login)
        self._tell_review(pull, review_id, "submitted", actor.login)
        self.subscribe(pull, actor.login)
        self.mail_all(pull, "review", actor.login, body)

    def check_no_other_begun(self, actor: Person, pull: Pull) -> None:
        if any(each.state == "PENDING" and each.author == actor.login for each in pull.reviews.values()):
            raise Refused(422, "one pending review each")

    def dismiss_review(self, actor: Person, number: int, review_id: int) -> None:
        demand(actor, "write", "pull_requests")
        pull = self.pull(actor, number)
        review = pull.reviews.get(review_id)
        if review is None or (review.state == "PENDING" and review.author != actor.login):
            raise Refused(404)
        if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
            raise Refused(422)
        self._dismiss(pull, review_id, actor.login)

    def _dismiss(self, pull: Pull, review_id: int, by: str) -> None:
        pull.reviews[review_id].state = "DISMISSED"
        self.note(pull, "review_dismissed", by)
        self._tell_review(pull, review_id, "dismissed", by)

    def dismiss_stale(self, pull: Pull, by: str) -> None:
        """What was approved is not what is there now, if the base's protection thinks so."""
        rules = self.protections.get(pull.base)
        if rules is not None and rules.approvals is not None and rules.dismiss_stale:
            for review_id, review in sorted(pull.reviews.items()):
                if review.state == "APPROVED":
                    self._dismiss(pull, review_id, by)

    def _tell_review(self, pull: Pull, review_id: int, action: str, by: str) -> None:
        review = pull.reviews[review_id]
        facts = {"number": pull.number, "sender": by, "author": review.author, "state": review.state.lower()}
        self.tell("pull_request_review", action, **facts)
        self.touched.add(pull.number)

    # -- what the base demands

    def decisions(self, pull: Pull) -> list[str]:
        """The latest verdict of each reviewer who can write; a comment changes none."""
        latest: dict[str, str] = {}
        for _, review in sorted(pull.reviews.items()):
            if review.state not in ("COMMENTED", "PENDING"):
                latest[review.author] = review.state
        return [state for login, state in latest.items() if login != BOT and RANK[ROLES[login]] >= RANK["write"]]

    def missing_checks(self, sha: str, rules: Protection) -> list[str]:
        states = self.statuses.get(sha, {})
        return [check for check in rules.checks if states.get(check) != "success"]

    def obstacles(self, pull: Pull, rules: Protection) -> list[str]:
        """What is missing before it may be merged."""
        why, decisions = [], self.decisions(pull)
        if rules.approvals is not None and "CHANGES_REQUESTED" in decisions:
            why.append("changes requested")
        if decisions.count("APPROVED") < (rules.approvals or 0):
            why.append("approvals")
        if rules.conversations and pull.unresolved:
            why.append("conversations")
        return why + self.missing_checks(pull.head_sha, rules)

    def behind(self, pull: Pull) -> bool:
        return not self.commits.is_ancestor(self.branches[pull.base], pull.head_sha)

    def mergeable(self, pull: Pull) -> bool:
        return self.commits.merge(self.branches[pull.base], pull.head_sha) is not None

    def mergeable_state(self, pull: Pull) -> str:
        """GitHub's word for it; `unstable` when a check that is not required is not green."""
        if not self.mergeable(pull):
            return "dirty"
        if pull.draft:
            return "draft"
        rules = self.protections.get(pull.base)
        if rules is not None and rules.strict and self.behind(pull):
            return "behind"
        if rules is not None and self.obstacles(pull, rules):
            return "blocked"
        states = self.statuses.get(pull.head_sha, {}).values()
        return "clean" if all(state == "success" for state in states) else "unstable"
