"""Rules of milestones: random actors make and change them, and put issues and pull requests in and out."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.localhub.machine.base import ACTORS, PICK, WRITERS, Base, some_issues
from tests.localhub.machine.people import ALICE, CAROL, Person

NAMES = st.sampled_from(["1.0", "2.0", "Later", "1.0", " "])
STATES = st.sampled_from(["open", "open", "closed"])
some_milestones = precondition(lambda self: bool(self.model.milestones))


class MilestoneMachine(Base):
    @initialize(author=st.sampled_from([ALICE, CAROL]), title=st.sampled_from(["First", "1.0"]))
    def begin_with_a_milestone(self, author: Person, title: str) -> None:
        self.create(ALICE, title, "open")
        self.open_an_issue(author, "Made for a milestone", "", [], [], milestone=1)

    def milestone(self, pick: int) -> int:
        """One that is there, or (seldom) none that is."""
        return 99 if pick == 40 else sorted(self.model.milestones)[pick % len(self.model.milestones)]

    def create(self, actor: Person, title: str, state: str) -> None:
        answer = self.door.rest(actor, "POST", "/milestones", title=title, state=state)
        number = self.driver.step(answer, lambda: self.model.create_milestone(actor, title, state), 201)
        if number is not None:
            assert answer.data["number"] == number
            self.driver.milestones[number] = answer.data["node_id"]

    @precondition(lambda self: len(self.model.milestones) < 4)
    @rule(actor=ACTORS, title=NAMES, state=STATES)
    def create_milestone(self, actor: Person, title: str, state: str) -> None:
        self.create(actor, title, state)

    @some_milestones
    @rule(actor=ACTORS, pick=PICK, changes=st.fixed_dictionaries({}, optional={"title": NAMES, "state": STATES}))
    def change_milestone(self, actor: Person, pick: int, changes: dict[str, Any]) -> None:
        assume(changes)
        number = self.milestone(pick)
        answer = self.door.rest(actor, "PATCH", f"/milestones/{number}", **changes)
        self.driver.step(answer, lambda: self.model.change_milestone(actor, number, **changes))

    @precondition(lambda self: len(self.model.milestones) > 1)
    @rule(actor=ACTORS, pick=PICK)
    def delete_milestone(self, actor: Person, pick: int) -> None:
        number = self.milestone(pick)
        answer = self.door.rest(actor, "DELETE", f"/milestones/{number}")
        self.driver.step(answer, lambda: self.model.delete_milestone(actor, number), 204)

    @some_milestones
    @rule(actor=ACTORS, pick=PICK)
    def open_in_milestone(self, actor: Person, pick: int) -> None:
        self.open_an_issue(actor, "In a milestone", "", ["bug"], ["bob"], milestone=self.milestone(pick))

    @some_issues
    @some_milestones
    @rule(actor=ACTORS, one=PICK, pick=PICK, out=st.integers(0, 3), close=st.integers(0, 3))
    def put_in_milestone(self, actor: Person, one: int, pick: int, out: int, close: int) -> None:
        """Or take it out, and sometimes close it in the same call."""
        number = self.number(one)
        changes: dict[str, Any] = {"milestone": None if out == 0 else self.milestone(pick)}
        if close == 0:
            changes["state"] = "closed"
        answer = self.door.rest(actor, "PATCH", f"/issues/{number}", **changes)
        self.driver.step(answer, lambda: self.model.edit_issue(actor, number, **changes))

    @some_issues
    @some_milestones
    @rule(actor=WRITERS, one=PICK, pick=PICK, out=st.integers(0, 3))
    def put_in_milestone_over_graphql(self, actor: Person, one: int, pick: int, out: int) -> None:
        number, into = self.number(one % 40), None if out == 0 else self.milestone(pick % 40)
        pull = self.model.things[number].is_pull
        mutation, key = ("updatePullRequest", "pullRequestId") if pull else ("updateIssue", "id")
        wanted = {key: self.driver.nodes[number], "milestoneId": self.driver.milestones.get(into or 0)}
        answer = self.door.mutate(actor, mutation, "clientMutationId", **wanted)
        self.driver.step(answer, lambda: self.model.edit_issue(actor, number, milestone=into))
