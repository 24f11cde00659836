"""Rules of issues: what random actors do to them, to their comments and to the relations between them."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.localhub.machine.base import ACTORS, LABELS, LOGINS, PICK, TITLES, WORDS, WRITERS, Base, some_issues
from tests.localhub.machine.people import ALICE, BOB, CAROL, FULL_BOT, TRIAGER, Person

PEOPLE_IN = (ALICE, BOB, TRIAGER, CAROL, FULL_BOT)
"""Who sees the repository and has no right narrowed."""


class IssueMachine(Base):
    @initialize(authors=st.tuples(WRITERS, st.sampled_from([ALICE, CAROL]), WRITERS))
    def begin_with_issues(self, authors: tuple[Person, ...]) -> None:
        for author in authors:
            self.open_an_issue(author, "Made at the start", "", [], [])

    # -- issues

    @rule(actor=ACTORS, title=TITLES, body=WORDS, labels=LABELS, assignees=LOGINS)
    def open_issue(self, actor: Person, title: str, body: str, labels: list[str], assignees: list[str]) -> None:
        self.open_an_issue(actor, title, body, labels, assignees)

    @some_issues
    @rule(
        actor=ACTORS, pick=PICK, changes=st.fixed_dictionaries({}, optional={
            "title": TITLES, "body": WORDS, "state": st.sampled_from(["open", "closed", "closed"]), "labels": LABELS,
            "assignees": LOGINS, "state_reason": st.sampled_from(["completed", "not_planned"]),
        }),
    )  # fmt: skip
    def edit_issue(self, actor: Person, pick: int, changes: dict[str, Any]) -> None:
        assume(changes)
        number = self.number(pick)
        answer = self.door.rest(actor, "PATCH", f"/issues/{number}", **changes)
        self.driver.step(answer, lambda: self.model.edit_issue(actor, number, **changes))

    @some_issues
    @rule(actor=WRITERS, pick=PICK)
    def close_or_reopen_over_graphql(self, actor: Person, pick: int) -> None:
        number = self.number(pick % 40)
        thing = self.model.things[number]
        assume(not thing.is_pull)
        state = "closed" if thing.open else "open"
        mutation = "closeIssue" if thing.open else "reopenIssue"
        answer = self.door.mutate(actor, mutation, "issue { number }", issueId=self.driver.nodes[number])
        self.driver.step(answer, lambda: self.model.edit_issue(actor, number, state=state))

    @some_issues
    @rule(actor=ACTORS, pick=PICK, labels=LABELS, add=st.booleans())
    def label(self, actor: Person, pick: int, labels: list[str], add: bool) -> None:
        assume(labels)
        number = self.number(pick)
        if add:
            answer = self.door.rest(actor, "POST", f"/issues/{number}/labels", labels=labels)
            self.driver.step(answer, lambda: self.model.add_labels(actor, number, labels))
        else:
            answer = self.door.rest(actor, "DELETE", f"/issues/{number}/labels/{labels[0]}")
            self.driver.step(answer, lambda: self.model.remove_label(actor, number, labels[0]))

    @some_issues
    @rule(actor=ACTORS, pick=PICK, logins=LOGINS, add=st.booleans())
    def assign(self, actor: Person, pick: int, logins: list[str], add: bool) -> None:
        number = self.number(pick)
        path = f"/issues/{number}/assignees"
        if add:
            answer = self.door.rest(actor, "POST", path, assignees=logins)
            self.driver.step(answer, lambda: self.model.assign(actor, number, logins), 201)
        else:
            answer = self.door.rest(actor, "DELETE", path, assignees=logins)
            self.driver.step(answer, lambda: self.model.unassign(actor, number, logins))

    @some_issues
    @rule(actor=ACTORS, pick=PICK)
    def lock(self, actor: Person, pick: int) -> None:
        number = self.number(pick)
        locked = not (number in self.model.things and self.model.things[number].locked)
        answer = self.door.rest(actor, "PUT" if locked else "DELETE", f"/issues/{number}/lock")
        self.driver.step(answer, lambda: self.model.lock(actor, number, locked=locked), 204)

    # -- comments

    @some_issues
    @rule(actor=ACTORS, pick=PICK, text=WORDS, graphql=st.booleans())
    def comment(self, actor: Person, pick: int, text: str, graphql: bool) -> None:
        number = self.number(pick)
        if graphql and number in self.model.things and actor in (ALICE, BOB, CAROL, FULL_BOT):
            fields = {"subjectId": self.driver.nodes[number], "body": text}
            answer = self.door.mutate(actor, "addComment", "commentEdge { node { fullDatabaseId } }", **fields)
            made = int(answer.data["commentEdge"]["node"]["fullDatabaseId"]) if answer.data else 0
        else:
            answer = self.door.rest(actor, "POST", f"/issues/{number}/comments", body=text)
            made = answer.data.get("id", 0)
        self.driver.step(answer, lambda: self.model.comment(actor, number, text, made), 201)

    @precondition(lambda self: any(each.comments for each in self.model.things.values()))
    @rule(actor=ACTORS, pick=PICK, text=WORDS, delete=st.booleans())
    def change_comment(self, actor: Person, pick: int, text: str, delete: bool) -> None:
        known = [key for each in self.model.things.values() for key in each.comments]
        comment = known[pick % len(known)]
        if delete:
            answer = self.door.rest(actor, "DELETE", f"/issues/comments/{comment}")
            self.driver.step(answer, lambda: self.model.delete_comment(actor, comment), 204)
        elif text:
            answer = self.door.rest(actor, "PATCH", f"/issues/comments/{comment}", body=text)
            self.driver.step(answer, lambda: self.model.edit_comment(actor, comment, text))

    # -- sub-issues and dependencies

    @some_issues
    @rule(actor=ACTORS, one=PICK, other=PICK, replace=st.booleans(), graphql=st.booleans())
    def add_sub_issue(self, actor: Person, one: int, other: int, replace: bool, graphql: bool) -> None:
        parent, child = self.number(one), self.number(other % 40)
        if graphql and actor in PEOPLE_IN and not self.pulls_among(parent, child):
            fields = {
                "issueId": self.driver.nodes[parent],
                "subIssueId": self.driver.nodes[child],
                "replaceParent": replace,
            }
            answer = self.door.mutate(actor, "addSubIssue", "issue { number }", **fields)
        else:
            body = {"sub_issue_id": self.driver.ids[child], "replace_parent": replace}
            answer = self.door.rest(actor, "POST", f"/issues/{parent}/sub_issues", **body)
        self.driver.step(answer, lambda: self.model.add_sub_issue(actor, parent, child, replace_parent=replace), 201)

    def pulls_among(self, *numbers: int) -> bool:
        """Whether one is a pull request, or not there: GraphQL takes no such node for an issue's."""
        return any(each not in self.model.things or self.model.things[each].is_pull for each in numbers)

    @rule(times=st.integers(1, 4))
    def deepen(self, times: int) -> None:
        """New issues, each below the deepest one, down to where GitHub says no more."""
        for _ in range(times):
            self.open_an_issue(BOB, "Deeper", "", [], [])
            new = len(self.model.things)
            deepest = max(sorted(self.model.things)[:-1], key=lambda each: len(self.model.ancestors(each)))
            answer = self.door.rest(BOB, "POST", f"/issues/{deepest}/sub_issues", sub_issue_id=self.driver.ids[new])
            self.driver.step(answer, lambda one=deepest, other=new: self.model.add_sub_issue(BOB, one, other), 201)

    @precondition(lambda self: any(each.children for each in self.model.things.values()))
    @rule(actor=ACTORS, pick=PICK, other=PICK, after=st.booleans(), remove=st.booleans())
    def change_sub_issue(self, actor: Person, pick: int, other: int, after: bool, remove: bool) -> None:
        parents = [each for each in self.model.things.values() if each.children]
        parent = parents[pick % len(parents)]
        child, anchor = parent.children[pick % len(parent.children)], parent.children[other % len(parent.children)]
        child = self.number(other) if other > 35 else child  # not always one of its children
        assume(child != 999)
        root, wanted = f"/issues/{parent.number}", {"sub_issue_id": self.driver.ids[child]}
        if remove:
            answer = self.door.rest(actor, "DELETE", f"{root}/sub_issue", **wanted)
            self.driver.step(answer, lambda: self.model.remove_sub_issue(actor, parent.number, child))
        else:
            wanted["after_id" if after else "before_id"] = self.driver.ids[anchor]
            answer = self.door.rest(actor, "PATCH", f"{root}/sub_issues/priority", **wanted)
            move = self.model.move_sub_issue
            self.driver.step(answer, lambda: move(actor, parent.number, child, anchor, after=after))

    @some_issues
    @rule(actor=ACTORS, one=PICK, other=PICK, add=st.booleans(), graphql=st.booleans())
    def depend(self, actor: Person, one: int, other: int, add: bool, graphql: bool) -> None:
        number, blocker = self.number(one), self.number(other % 40)
        path = f"/issues/{number}/dependencies/blocked_by"
        if graphql and actor in PEOPLE_IN and not self.pulls_among(number, blocker):
            fields = {"issueId": self.driver.nodes[number], "blockingIssueId": self.driver.nodes[blocker]}
            answer = self.door.mutate(actor, f"{'add' if add else 'remove'}BlockedBy", "issue { number }", **fields)
        elif add:
            answer = self.door.rest(actor, "POST", path, issue_id=self.driver.ids[blocker])
        else:
            answer = self.door.rest(actor, "DELETE", f"{path}/{self.driver.ids[blocker]}")
        if add:
            self.driver.step(answer, lambda: self.model.add_blocker(actor, number, blocker), 201)
        else:
            self.driver.step(answer, lambda: self.model.remove_blocker(actor, number, blocker))
