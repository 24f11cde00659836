"""Rules of branches and pull requests: pushes, reviews, protection, checks and merges by random actors."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.localhub.machine.base import (
    ACTORS,
    LOGINS,
    MESSAGES,
    NAMES,
    PATHS,
    PICK,
    TEXTS,
    TITLES,
    WORDS,
    WRITERS,
    Base,
    some_pulls,
)
from tests.localhub.machine.model import ZERO, Protection
from tests.localhub.machine.people import (
    ALICE,
    BOB,
    CAROL,
    CODE_BOT,
    FULL_BOT,
    ISSUE_BOT,
    MALLORY,
    PULL_BOT,
    TRIAGER,
    Person,
)

CHANGE = st.tuples(PATHS, TEXTS, MESSAGES)


class PullMachine(Base):
    @initialize(author=WRITERS, first=CHANGE, second=CHANGE, body=WORDS)
    def begin_with_a_pull_request(self, author: Person, first: Any, second: Any, body: str) -> None:
        """Two branches with a commit each, which may conflict, and a pull request from one of them."""
        self.open_an_issue(ALICE, "Made at the start", "", [], [])
        for branch, change in (("topic", first), ("work", second)):
            self.branch_off(author, branch, "c0")
            self.commit(author, branch, *change)
        self.propose(author, title="Bring it", body=body, head="topic", base="main", draft=False)

    # -- branches

    @precondition(lambda self: len(self.model.branches) < 4)
    @rule(actor=ACTORS, branch=st.sampled_from(NAMES), pick=PICK)
    def create_branch(self, actor: Person, branch: str, pick: int) -> None:
        self.branch_off(actor, branch, self.commit_name(pick))

    @rule(actor=ACTORS, pick=PICK, path=PATHS, text=TEXTS, message=MESSAGES)
    def commit_file(self, actor: Person, pick: int, path: str, text: str, message: str) -> None:
        self.commit(actor, self.branch(pick), path, text, message)

    @rule(actor=ACTORS, pick=PICK, to=PICK, force=st.booleans())
    def move_branch(self, actor: Person, pick: int, to: int, force: bool) -> None:
        branch, sha = self.branch(pick), self.commit_name(to)
        answer = self.door.rest(actor, "PATCH", f"/git/refs/heads/{branch}", sha=self.door.shas[sha], force=force)
        self.driver.step(answer, lambda: self.model.move_branch(actor, branch, sha, force=force))

    @rule(actor=ACTORS, picks=st.lists(st.tuples(PICK, PICK), min_size=1, max_size=2), force=st.booleans())
    def push_with_git(self, actor: Person, picks: list[tuple[int, int]], force: bool) -> None:
        """One branch or two at once, moved, made or (seldom) deleted."""
        moves = {self.branch(pick): ZERO if to == 39 else self.commit_name(to) for pick, to in picks}
        moves = {branch: sha for branch, sha in moves.items() if sha != ZERO or branch in self.model.branches}
        assume(moves)
        answer = self.door.push(actor, list(moves.items()), force=force)
        self.driver.step(answer, lambda: self.model.push(actor, list(moves.items()), force=force))

    @precondition(lambda self: len(self.model.branches) > 2)
    @rule(actor=ACTORS, pick=PICK)
    def delete_branch(self, actor: Person, pick: int) -> None:
        branch = self.branch(pick)
        answer = self.door.rest(actor, "DELETE", f"/git/refs/heads/{branch}")
        self.driver.step(answer, lambda: self.model.delete_branch(actor, branch), 204)

    @rule(actor=WRITERS, one=PICK, other=PICK)
    def merge_branches(self, actor: Person, one: int, other: int) -> None:
        base, head = self.branch(one), self.branch(other)
        answer = self.door.rest(actor, "POST", "/merges", base=base, head=head, commit_message=self.fresh("Merge"))

        def predict() -> None:
            landing = self.model.merge_branches(actor, base, head)
            if landing is not None:
                assert answer.status == 201, answer
                before, tip = self.model.branches[base], self.driver.adopt(landing, answer.data["sha"])
                self.model.moved(actor, base, before, tip)

        self.driver.step(answer, predict, 204 if answer.status == 204 else 201)

    # -- pull requests

    @rule(actor=ACTORS, title=TITLES, body=WORDS, one=PICK, other=PICK, draft=st.integers(0, 5))
    def open_pull(self, actor: Person, title: str, body: str, one: int, other: int, draft: int) -> None:
        base = self.branch(other) if other > 20 else "main"
        self.propose(actor, title=title, body=body, head=self.branch(one), base=base, draft=draft == 0)

    @some_pulls
    @rule(
        actor=ACTORS, pick=PICK, changes=st.fixed_dictionaries({}, optional={
            "title": TITLES, "body": WORDS, "base": st.sampled_from(["main", *NAMES]), "state": st.sampled_from(["open", "closed"]),
        }),
    )  # fmt: skip
    def edit_pull(self, actor: Person, pick: int, changes: dict[str, Any]) -> None:
        assume(changes)
        number = self.pull_number(pick)
        answer = self.door.rest(actor, "PATCH", f"/pulls/{number}", **changes)
        self.driver.step(answer, lambda: self.model.edit_pull(actor, number, **changes))

    @some_pulls
    @rule(actor=st.sampled_from([ALICE, BOB, CAROL, TRIAGER, FULL_BOT, PULL_BOT]), pick=PICK, draft=st.booleans())
    def set_draft(self, actor: Person, pick: int, draft: bool) -> None:
        number = self.pull_number(pick)
        mutation = "convertPullRequestToDraft" if draft else "markPullRequestReadyForReview"
        answer = self.door.mutate(actor, mutation, "pullRequest { number }", pullRequestId=self.driver.nodes[number])
        self.driver.step(answer, lambda: self.model.set_draft(actor, number, draft=draft))

    @some_pulls
    @rule(actor=ACTORS, pick=PICK, logins=LOGINS, add=st.booleans())
    def request_review(self, actor: Person, pick: int, logins: list[str], add: bool) -> None:
        number = self.pull_number(pick)
        path = f"/pulls/{number}/requested_reviewers"
        answer = self.door.rest(actor, "POST" if add else "DELETE", path, reviewers=logins)
        predict = self.model.request_review if add else self.model.unrequest_review
        self.driver.step(answer, lambda: predict(actor, number, logins), 201 if add else 200)

    @some_pulls
    @rule(
        actor=ACTORS, pick=PICK, event=st.sampled_from(["APPROVE", "APPROVE", "REQUEST_CHANGES", "COMMENT"]), body=WORDS
    )
    def review(self, actor: Person, pick: int, event: str, body: str) -> None:
        number = self.pull_number(pick)
        answer = self.door.rest(actor, "POST", f"/pulls/{number}/reviews", event=event, body=body)
        made = answer.data.get("id", 0)
        self.driver.step(answer, lambda: self.model.review(actor, number, event, body, made))

    @precondition(lambda self: any(each.reviews for each in self.model.pulls()))
    @rule(actor=ACTORS, pick=PICK)
    def dismiss_review(self, actor: Person, pick: int) -> None:
        known = [(each.number, key) for each in self.model.pulls() for key in each.reviews]
        number, review = known[pick % len(known)]
        answer = self.door.rest(actor, "PUT", f"/pulls/{number}/reviews/{review}/dismissals", message="Not any more")
        self.driver.step(answer, lambda: self.model.dismiss_review(actor, number, review))

    @some_pulls
    @rule(
        actor=ACTORS,
        pick=PICK,
        method=st.sampled_from(["merge", "squash", "rebase"]),
        sha=st.integers(0, 9),
        graphql=st.booleans(),
    )
    def merge(self, actor: Person, pick: int, method: str, sha: int, graphql: bool) -> None:
        number = self.pull_number(pick)
        wanted = {0: "c0", 1: self.pull(number).head_sha}.get(sha)
        order = [self.door.names[each["sha"]] for each in self.door.read(f"/pulls/{number}/commits", per_page=100)]
        if graphql and actor.sees and (not actor.is_bot or actor is FULL_BOT):
            fields = {"pullRequestId": self.driver.nodes[number], "mergeMethod": method.upper()}
            fields |= {"expectedHeadOid": self.door.shas[wanted]} if wanted else {}
            answer = self.door.mutate(actor, "mergePullRequest", "pullRequest { mergeCommit { oid } }", **fields)
            tip = answer.data["pullRequest"]["mergeCommit"]["oid"] if answer.data else ""
        else:
            body = {"merge_method": method} | ({"sha": self.door.shas[wanted]} if wanted else {})
            answer = self.door.rest(actor, "PUT", f"/pulls/{number}/merge", **body)
            tip = answer.data.get("sha", "")

        def predict() -> None:
            landing = self.model.merge(actor, number, method, wanted, order)
            assert tip, answer
            self.model.landed(actor, number, self.driver.adopt(landing, tip))

        self.driver.step(answer, predict)

    @some_pulls
    @rule(actor=ACTORS, pick=PICK, expected=st.integers(0, 3))
    def update_branch(self, actor: Person, pick: int, expected: int) -> None:
        number = self.pull_number(pick)
        wanted = {0: "c0", 1: self.pull(number).head_sha}.get(expected)
        body = {"expected_head_sha": self.door.shas[wanted]} if wanted else {}
        answer = self.door.rest(actor, "PUT", f"/pulls/{number}/update-branch", **body)

        def predict() -> None:
            landing = self.model.update_branch(actor, number, wanted)
            assert answer.status == 202, answer
            tip = self.door.read(f"/git/ref/heads/{self.pull(number).head}")["object"]["sha"]
            self.model.updated(actor, number, self.driver.adopt(landing, tip))

        self.driver.step(answer, predict, 202)

    # -- settings, protection and statuses

    @rule(actor=st.sampled_from([ALICE, ALICE, BOB]))
    def delete_heads_of_what_is_merged(self, actor: Person) -> None:
        wish = not self.model.delete_heads
        answer = self.door.rest(actor, "PATCH", "", delete_branch_on_merge=wish)
        self.driver.step(answer, lambda: self.model.set_delete_heads(actor, wish=wish))

    @rule(
        actor=st.sampled_from([ALICE, ALICE, ALICE, BOB, FULL_BOT]), branch=st.sampled_from(["main", "main", "release"]),
        rules=st.builds(
            Protection, checks=st.sampled_from([(), ("ci",), ("ci", "lint")]), strict_checks=st.booleans(),
            approvals=st.sampled_from([None, 0, 1, 1]), dismiss_stale=st.booleans(), linear=st.sampled_from([False, False, True]),
            admins_too=st.booleans(),
        ),
    )  # fmt: skip
    def protect(self, actor: Person, branch: str, rules: Protection) -> None:
        answer = self.door.rest(actor, "PUT", f"/branches/{branch}/protection", **self.driver.protection_body(rules))
        self.driver.step(answer, lambda: self.model.protect(actor, branch, rules))

    @precondition(lambda self: bool(self.model.protections))
    @rule(pick=PICK)
    def unprotect(self, pick: int) -> None:
        branch = sorted(self.model.protections)[pick % len(self.model.protections)]
        answer = self.door.rest(ALICE, "DELETE", f"/branches/{branch}/protection")
        self.driver.step(answer, lambda: self.model.protect(ALICE, branch, None), 204)

    @rule(
        actor=st.sampled_from([ALICE, BOB, FULL_BOT, CODE_BOT, CODE_BOT, ISSUE_BOT, CAROL, MALLORY]), pick=PICK,
        context=st.sampled_from(["ci", "ci", "lint", "extra"]), state=st.sampled_from(["success", "success", "pending", "failure"]),
    )  # fmt: skip
    def set_status(self, actor: Person, pick: int, context: str, state: str) -> None:
        """On the head of a pull request by preference."""
        heads = [each.head_sha for each in self.model.pulls(state="open")]
        sha = heads[pick % len(heads)] if heads and pick < 35 else self.commit_name(pick)
        answer = self.door.rest(actor, "POST", f"/statuses/{self.door.shas[sha]}", context=context, state=state)
        self.driver.step(answer, lambda: self.model.set_status(actor, sha, context, state), 201)
