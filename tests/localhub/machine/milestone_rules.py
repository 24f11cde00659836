"""GitHub's rules of milestones: their life, and the issues and pull requests in them."""

from __future__ import annotations

from typing import Any

from tests.localhub.machine.model import Issue, Milestone, Refused, State, demand
from tests.localhub.machine.people import Person

BOTH = ("issues", "pull_requests")


class MilestoneRules(State):
    def create_milestone(self, actor: Person, title: str, state: str) -> int:
        """By who may triage; a title is its repository's own, and a number is never given twice."""
        demand(actor, "triage", *BOTH)
        self._check_title(title)
        self.last_milestone += 1
        self.milestones[self.last_milestone] = Milestone(title, state)
        self._tell_milestone(self.last_milestone, "created", actor)
        return self.last_milestone

    def change_milestone(self, actor: Person, number: int, **changes: Any) -> None:
        """Its title and its state, each told by itself."""
        found = self._milestone(actor, number)
        title, state = changes.get("title", found.title), changes.get("state", found.state)
        if title != found.title:
            self._check_title(title)
        edited, turned = title != found.title, state != found.state
        found.title, found.state = title, state
        if edited:
            self._tell_milestone(number, "edited", actor)
        if turned:
            self._tell_milestone(number, "closed" if state == "closed" else "opened", actor)

    def delete_milestone(self, actor: Person, number: int) -> None:
        """What was in it stays, without a milestone."""
        self._milestone(actor, number)
        for thing in self.in_milestone(number):
            self.set_milestone(actor, thing, None)
        self._tell_milestone(number, "deleted", actor)
        del self.milestones[number]

    def in_milestone(self, number: int) -> list[Issue]:
        return [each for each in self.things.values() if each.milestone == number]

    def set_milestone(self, actor: Person, thing: Issue, number: int | None) -> None:
        """Out of the one and into the other."""
        old, thing.milestone = thing.milestone, number
        if old == number:
            return
        for action, which in (("demilestoned", old), ("milestoned", number)):
            if which is not None:
                self.note(thing, action, actor.login)
                self.tell_of(thing, action, actor.login, milestone=self.milestones[which].title)

    def check_milestone(self, number: int | None) -> None:
        if number is not None and number not in self.milestones:
            raise Refused(422, "no such milestone")

    def _milestone(self, actor: Person, number: int) -> Milestone:
        demand(actor, "triage", *BOTH)
        if number not in self.milestones:
            raise Refused(404)
        return self.milestones[number]

    def _check_title(self, title: str) -> None:
        if not title.strip() or any(each.title == title for each in self.milestones.values()):
            raise Refused(422, "no title, or another's")

    def _tell_milestone(self, number: int, action: str, actor: Person) -> None:
        found = self.milestones[number]
        self.tell("milestone", action, number=number, title=found.title, state=found.state, sender=actor.login)
