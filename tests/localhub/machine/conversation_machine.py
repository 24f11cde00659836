"""Rules of conversations: comments on lines, answers, pending reviews and threads, while the branch goes on moving."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.localhub.machine.base import ACTORS, PATHS, PICK, TEXTS, WRITERS, Base, some_pulls
from tests.localhub.machine.model import Protection, Pull
from tests.localhub.machine.people import ALICE, BOB, CAROL, FULL_BOT, MALLORY, PULL_BOT, TRIAGER, Person

TALK = st.sampled_from(["Why?", "So.", "@carol, look", "Why?", " "])
REVIEWERS = st.sampled_from([BOB, BOB, ALICE, CAROL, TRIAGER, FULL_BOT])
EVENTS = st.sampled_from(["APPROVE", "REQUEST_CHANGES", "COMMENT"])
LINES = precondition(lambda self: any(each.lines for each in self.model.pulls()))
BEGUN = precondition(lambda self: any(r.state == "PENDING" for p in self.model.pulls() for r in p.reviews.values()))


class ConversationMachine(Base):
    @initialize(author=WRITERS, paths=st.lists(PATHS, min_size=2, max_size=2, unique=True), text=TEXTS)
    def begin_with_a_pull_request_to_talk_of(self, author: Person, paths: list[str], text: str) -> None:
        self.branch_off(author, "talk", "c0")
        for path in paths:
            self.commit(author, "talk", path, text, "Change")
        self.propose(author, title="Let us talk", body="", head="talk", base="main", draft=False)

    def talked_of(self, pick: int) -> int:
        """A pull request whose diff has one beginning."""
        number = self.pull_number(pick)
        pull = self.pull(number)
        assume(len(self.model.commits.merge_bases(pull.base_sha, pull.head_sha)) == 1)
        return number

    def comment_id(self, pick: int) -> tuple[int, int]:
        """The number of a pull request and the id of a comment on its lines."""
        known = [(each.number, key) for each in self.model.pulls() for key in each.lines]
        return known[pick % len(known)]

    def thread_node(self, pull: Pull, key: int) -> str:
        """The node id of a thread that Alice sees."""
        seen = [thread for thread in pull.threads if pull.sees_thread(thread, ALICE.login)]
        return str(self.door.threads(self.driver.nodes[pull.number])[seen.index(key)]["id"])

    def place(self, number: int, path: str) -> dict[str, Any]:
        return {"path": path, "line": 1, "side": "RIGHT", "commit_id": self.door.shas[self.pull(number).head_sha]}

    # -- at once

    @some_pulls
    @rule(actor=ACTORS, pick=PICK, path=PATHS, text=TALK)
    def comment_on_a_line(self, actor: Person, pick: int, path: str, text: str) -> None:
        number = self.talked_of(pick)
        answer = self.door.rest(actor, "POST", f"/pulls/{number}/comments", body=text, **self.place(number, path))
        made, review = answer.data.get("id", 0), answer.data.get("pull_request_review_id", 0)
        say = self.model.comment_on_line
        self.driver.step(answer, lambda: say(actor, number, (path, text), made, review), 201)

    @LINES
    @rule(actor=ACTORS, pick=PICK, text=TALK)
    def answer_a_comment(self, actor: Person, pick: int, text: str) -> None:
        number, to = self.comment_id(pick)
        answer = self.door.rest(actor, "POST", f"/pulls/{number}/comments/{to}/replies", body=text)
        made, review = answer.data.get("id", 0), answer.data.get("pull_request_review_id", 0)
        self.driver.step(answer, lambda: self.model.answer(actor, number, to, text, made, review), 201)

    @precondition(lambda self: any(each.threads for each in self.model.pulls()))
    @rule(actor=REVIEWERS, pick=PICK, text=TALK)
    def answer_over_graphql(self, actor: Person, pick: int, text: str) -> None:
        found = [(p, key) for p in self.model.pulls() for key in p.threads if p.sees_thread(key, ALICE.login)]
        assume(found)
        pull, key = found[pick % len(found)]
        wanted = {"pullRequestReviewThreadId": self.thread_node(pull, key), "body": text}
        asked = "comment { fullDatabaseId pullRequestReview { fullDatabaseId } }"
        answer = self.door.mutate(actor, "addPullRequestReviewThreadReply", asked, **wanted)
        said = (answer.data or {}).get("comment") or {}
        made, review = (
            int(said.get("fullDatabaseId", 0)),
            int((said.get("pullRequestReview") or {}).get("fullDatabaseId", 0)),
        )
        reply = self.model.answer_in_thread
        self.driver.step(answer, lambda: reply(actor, pull.number, key, text, made, review))

    @LINES
    @rule(actor=ACTORS, pick=PICK, text=st.sampled_from(["Better", "Why?", " "]), delete=st.booleans())
    def change_a_line_comment(self, actor: Person, pick: int, text: str, delete: bool) -> None:
        number, comment = self.comment_id(pick)
        if delete:
            answer = self.door.rest(actor, "DELETE", f"/pulls/comments/{comment}")
            self.driver.step(answer, lambda: self.model.delete_line(actor, number, comment), 204)
        else:
            answer = self.door.rest(actor, "PATCH", f"/pulls/comments/{comment}", body=text)
            self.driver.step(answer, lambda: self.model.edit_line(actor, number, comment, text))

    # -- piece by piece

    @some_pulls
    @rule(
        actor=REVIEWERS,
        pick=PICK,
        body=st.sampled_from(["", "In all"]),
        drafts=st.lists(st.tuples(PATHS, TALK), max_size=2),
    )
    def begin_a_review(self, actor: Person, pick: int, body: str, drafts: list[tuple[str, str]]) -> None:
        number = self.talked_of(pick)
        comments = [{"path": path, "line": 1, "side": "RIGHT", "body": text} for path, text in drafts]
        answer = self.door.rest(actor, "POST", f"/pulls/{number}/reviews", body=body, comments=comments)
        made, ids = answer.data.get("id", 0), []
        if answer.status == 200:
            said = self.door.read(f"/pulls/{number}/reviews/{made}/comments", actor)
            ids = [each["id"] for each in said]
        self.driver.step(answer, lambda: self.model.begin_review(actor, number, body, drafts, made, ids))

    @BEGUN
    @rule(
        pick=PICK, other=st.integers(0, 5), event=EVENTS, body=st.sampled_from(["", "Done"]), discard=st.integers(0, 3)
    )
    def end_a_review(self, pick: int, other: int, event: str, body: str, discard: int) -> None:
        """Submit or discard it; (seldom) by somebody who does not see it."""
        pulls = self.model.pulls()
        begun = [(p.number, k, r) for p in pulls for k, r in p.reviews.items() if r.state == "PENDING"]
        number, key, review = begun[pick % len(begun)]
        author = next(each for each in (ALICE, BOB, CAROL, TRIAGER, FULL_BOT) if each.login == review.author)
        actor = (CAROL if author is BOB else BOB) if other == 0 else author
        root = f"/pulls/{number}/reviews/{key}"
        if discard == 0:
            answer = self.door.rest(actor, "DELETE", root)
            self.driver.step(answer, lambda: self.model.discard_review(actor, number, key))
        else:
            words = {"body": body} if body else {}
            answer = self.door.rest(actor, "POST", f"{root}/events", event=event, **words)
            self.driver.step(answer, lambda: self.model.submit_review(actor, number, key, event, body))

    # -- threads

    @precondition(lambda self: any(each.threads for each in self.model.pulls()))
    @rule(
        actor=st.sampled_from([ALICE, BOB, BOB, CAROL, TRIAGER, FULL_BOT, PULL_BOT, MALLORY]),
        pick=PICK,
        resolved=st.sampled_from([True, True, False]),
    )
    def resolve(self, actor: Person, pick: int, resolved: bool) -> None:
        """One of which somebody else has heard."""
        found = [(p, key) for p in self.model.pulls() for key in p.threads if p.heard(key)]
        assume(found)
        pull, key = found[pick % len(found)]
        mutation = "resolveReviewThread" if resolved else "unresolveReviewThread"
        answer = self.door.mutate(actor, mutation, "thread { isResolved }", threadId=self.thread_node(pull, key))
        self.driver.step(answer, lambda: self.model.resolve(actor, pull.number, key, resolved=resolved))

    # -- what goes on meanwhile

    @rule(actor=WRITERS, path=PATHS, text=TEXTS)
    def push_meanwhile(self, actor: Person, path: str, text: str) -> None:
        assume("talk" in self.model.branches)
        self.commit(actor, "talk", path, text, "Meanwhile")

    @precondition(lambda self: not self.model.protections or any(each.threads for each in self.model.pulls()))
    @rule(conversations=st.sampled_from([True, True, False]), approvals=st.sampled_from([None, None, 1]))
    def want_conversations_resolved(self, conversations: bool, approvals: int | None) -> None:
        rules = Protection(conversations=conversations, approvals=approvals, dismiss_stale=True)
        answer = self.door.rest(ALICE, "PUT", "/branches/main/protection", **self.driver.protection_body(rules))
        self.driver.step(answer, lambda: self.model.protect(ALICE, "main", rules))

    @some_pulls
    @rule(actor=WRITERS, pick=PICK, patience=st.integers(0, 2))
    def merge_it(self, actor: Person, pick: int, patience: int) -> None:
        """Often refused, seldom tried where it would end the talk."""
        number = self.pull_number(pick)
        assume(patience == 0 or self.model.mergeable_state(self.pull(number)) == "blocked")
        answer = self.door.rest(actor, "PUT", f"/pulls/{number}/merge")

        def predict() -> None:
            landing = self.model.merge(actor, number, "merge", None, [])
            self.model.landed(actor, number, self.driver.adopt(landing, answer.data["sha"]))

        self.driver.step(answer, predict)
