"""The state machine: random actors do random things, and every answer, webhook and reading is as the model says."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.localhub.machine.driver import Driver, GitHub
from tests.localhub.machine.model import Protection, Pull
from tests.localhub.machine.people import (
    ALICE,
    BOB,
    BOTS,
    CAROL,
    CODE_BOT,
    FULL_BOT,
    ISSUE_BOT,
    MALLORY,
    PULL_BOT,
    TRIAGER,
    Person,
)  # fmt: skip

ACTORS = st.sampled_from([ALICE, ALICE, BOB, BOB, FULL_BOT, FULL_BOT, TRIAGER, CAROL, *BOTS, MALLORY])
WRITERS = st.sampled_from([ALICE, BOB, FULL_BOT])
LABELS = st.lists(st.sampled_from(["bug", "question", "wontfix"]), max_size=3, unique=True)
LOGINS = st.lists(
    st.sampled_from(["alice", "bob", "octo-owner", "carol", "mallory", "nobody"]), max_size=3, unique=True
)
TITLES = st.sampled_from(["A title", "Another title", "Third", " "])
WORDS = st.sampled_from(["", "Some words", "@carol, look", "@alice and @mallory", "Closes #1", "Fixes #2, resolves #3"])
PICK = st.integers(0, 40)
BRANCHES = st.sampled_from(["main", "topic", "topic", "work", "release"])
PATHS = st.sampled_from(["a.txt", "b.txt", "c.txt"])
TEXTS = st.sampled_from(["one", "two"])
MESSAGES = st.sampled_from(["Change", "Change", "Change, closes #1", "Change, fixes #2 and closes #4"])
some_issues = precondition(lambda self: bool(self.model.things))
some_pulls = precondition(lambda self: bool(self.model.pulls()))


class Machine(RuleBasedStateMachine):
    """Rules of every kind; `world` is a freshly seeded localhub."""

    world: Any

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self.driver = Driver(self.world)
        self.door = self.driver.door
        self.model: GitHub = self.driver.model
        self._count = 0

    def teardown(self) -> None:
        if not self.driver.failed:
            self.driver.check_everything()

    # -- choosing

    def number(self, pick: int) -> int:
        """One that is there, or (seldom) none that is."""
        return 999 if pick == 40 else sorted(self.model.things)[pick % len(self.model.things)]

    def pull_number(self, pick: int) -> int:
        """A pull request, an open one by preference."""
        pulls = [each.number for each in self.model.pulls(state="open")] * 4 + [
            each.number for each in self.model.pulls()
        ]
        return pulls[pick % len(pulls)]

    def commit_name(self, pick: int) -> str:
        return f"c{pick % len(self.model.commits.known)}"

    def fresh(self, text: str) -> str:
        """Words that no other commit has, so that no two commits are one."""
        self._count += 1
        return f"{text} ({self._count})"

    # -- issues

    @rule(actor=ACTORS, title=TITLES, body=WORDS, labels=LABELS, assignees=LOGINS)
    def open_issue(self, actor: Person, title: str, body: str, labels: list[str], assignees: list[str]) -> None:
        answer = self.door.rest(actor, "POST", "/issues", title=title, body=body, labels=labels, assignees=assignees)
        self.driver.made(answer)
        number = self.driver.step(answer, lambda: self.model.open_issue(actor, title, body, labels, assignees), 201)
        assert number is None or answer.data["number"] == number

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
    @rule(actor=ACTORS, one=PICK, other=PICK, replace=st.booleans())
    def add_sub_issue(self, actor: Person, one: int, other: int, replace: bool) -> None:
        parent, child = self.number(one), self.number(other % 40)
        body = {"sub_issue_id": self.driver.ids[child], "replace_parent": replace}
        answer = self.door.rest(actor, "POST", f"/issues/{parent}/sub_issues", **body)
        self.driver.step(answer, lambda: self.model.add_sub_issue(actor, parent, child, replace_parent=replace), 201)

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
    @rule(actor=ACTORS, one=PICK, other=PICK, add=st.booleans())
    def depend(self, actor: Person, one: int, other: int, add: bool) -> None:
        number, blocker = self.number(one), self.number(other % 40)
        path = f"/issues/{number}/dependencies/blocked_by"
        if add:
            answer = self.door.rest(actor, "POST", path, issue_id=self.driver.ids[blocker])
            self.driver.step(answer, lambda: self.model.add_blocker(actor, number, blocker), 201)
        else:
            answer = self.door.rest(actor, "DELETE", f"{path}/{self.driver.ids[blocker]}")
            self.driver.step(answer, lambda: self.model.remove_blocker(actor, number, blocker))

    # -- branches

    @rule(actor=ACTORS, branch=BRANCHES, pick=PICK)
    def create_branch(self, actor: Person, branch: str, pick: int) -> None:
        sha = self.commit_name(pick) if pick % 3 == 0 else self.model.branches["main"]
        answer = self.door.rest(actor, "POST", "/git/refs", ref=f"refs/heads/{branch}", sha=self.door.shas[sha])
        self.driver.step(answer, lambda: self.model.create_branch(actor, branch, sha), 201)

    @rule(actor=WRITERS, branch=st.sampled_from(["topic", "work"]), path=PATHS, text=TEXTS, message=MESSAGES)
    def begin_branch(self, actor: Person, branch: str, path: str, text: str, message: str) -> None:
        """A branch with a commit of its own, which is what pull requests come from."""
        if branch not in self.model.branches:
            sha = self.model.branches["main"]
            answer = self.door.rest(actor, "POST", "/git/refs", ref=f"refs/heads/{branch}", sha=self.door.shas[sha])
            self.driver.step(answer, lambda: self.model.create_branch(actor, branch, sha), 201)
        self.commit(actor, branch, path, text, message)

    @rule(actor=ACTORS, branch=BRANCHES, path=PATHS, text=TEXTS, message=MESSAGES)
    def commit_file(self, actor: Person, branch: str, path: str, text: str, message: str) -> None:
        self.commit(actor, branch, path, text, message)

    def commit(self, actor: Person, branch: str, path: str, text: str, message: str) -> None:
        import base64

        message = self.fresh(message)
        body = {"message": message, "branch": branch, "content": base64.b64encode(f"{text}\n".encode()).decode()}
        there = self.door.client(ALICE).get(f"/repos/alice/sample/contents/{path}", params={"ref": branch})
        if there.status_code == 200:
            body["sha"] = there.json()["sha"]
        made = "sha" not in body
        answer = self.door.rest(actor, "PUT", f"/contents/{path}", **body)
        if answer.status in (200, 201):
            self.door.name(answer.data["commit"]["sha"], f"c{len(self.model.commits.known)}")
        predict = self.model.commit_file
        self.driver.step(answer, lambda: predict(actor, branch, path, text, message), 201 if made else 200)

    @rule(actor=ACTORS, branch=BRANCHES, pick=PICK, force=st.booleans())
    def move_branch(self, actor: Person, branch: str, pick: int, force: bool) -> None:
        sha = self.commit_name(pick)
        answer = self.door.rest(actor, "PATCH", f"/git/refs/heads/{branch}", sha=self.door.shas[sha], force=force)
        self.driver.step(answer, lambda: self.model.move_branch(actor, branch, sha, force=force))

    @rule(actor=ACTORS, branch=BRANCHES)
    def delete_branch(self, actor: Person, branch: str) -> None:
        answer = self.door.rest(actor, "DELETE", f"/git/refs/heads/{branch}")
        self.driver.step(answer, lambda: self.model.delete_branch(actor, branch), 204)

    @rule(actor=WRITERS, base=BRANCHES, head=BRANCHES)
    def merge_branches(self, actor: Person, base: str, head: str) -> None:
        answer = self.door.rest(actor, "POST", "/merges", base=base, head=head, commit_message=self.fresh("Merge"))

        def predict() -> None:
            landing = self.model.merge_branches(actor, base, head)
            if landing is not None:
                assert answer.status == 201, answer
                before, tip = self.model.branches[base], self.driver.adopt(landing, answer.data["sha"])
                self.model.moved(actor, base, before, tip)

        self.driver.step(answer, predict, 204 if answer.status == 204 else 201)

    # -- pull requests

    @precondition(lambda self: len(self.model.branches) > 1)
    @rule(actor=ACTORS, title=TITLES, body=WORDS, head=BRANCHES, base=BRANCHES, draft=st.integers(0, 5))
    def open_pull(self, actor: Person, title: str, body: str, head: str, base: str, draft: int) -> None:
        base = "main" if head != "main" and draft < 4 else base
        wanted: dict[str, Any] = {"title": title, "body": body, "head": head, "base": base, "draft": draft == 0}
        answer = self.door.rest(actor, "POST", "/pulls", **wanted)
        self.driver.made(answer)
        number = self.driver.step(answer, lambda: self.model.open_pull(actor, **wanted), 201)
        assert number is None or answer.data["number"] == number

    @some_pulls
    @rule(
        actor=ACTORS, pick=PICK, changes=st.fixed_dictionaries({}, optional={
            "title": TITLES, "body": WORDS, "base": BRANCHES, "state": st.sampled_from(["open", "closed"]),
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
    @rule(actor=ACTORS, pick=PICK, method=st.sampled_from(["merge", "squash", "rebase"]), sha=st.integers(0, 4))
    def merge(self, actor: Person, pick: int, method: str, sha: int) -> None:
        number = self.pull_number(pick)
        wanted = {0: "c0", 1: self._pull(number).head_sha}.get(sha)
        body = {"merge_method": method} | ({"sha": self.door.shas[wanted]} if wanted else {})
        answer = self.door.rest(actor, "PUT", f"/pulls/{number}/merge", **body)

        def predict() -> None:
            landing = self.model.merge(actor, number, method, wanted)
            assert answer.status == 200, answer
            self.model.landed(actor, number, self.driver.adopt(landing, answer.data["sha"]))

        self.driver.step(answer, predict)

    def _pull(self, number: int) -> Pull:
        found = self.model.things[number]
        assert isinstance(found, Pull)
        return found

    @some_pulls
    @rule(actor=ACTORS, pick=PICK, expected=st.integers(0, 3))
    def update_branch(self, actor: Person, pick: int, expected: int) -> None:
        number = self.pull_number(pick)
        wanted = {0: "c0", 1: self._pull(number).head_sha}.get(expected)
        body = {"expected_head_sha": self.door.shas[wanted]} if wanted else {}
        answer = self.door.rest(actor, "PUT", f"/pulls/{number}/update-branch", **body)

        def predict() -> None:
            landing = self.model.update_branch(actor, number, wanted)
            assert answer.status == 202, answer
            tip = self.door.read(f"/git/ref/heads/{self._pull(number).head}")["object"]["sha"]
            self.model.updated(actor, number, self.driver.adopt(landing, tip))

        self.driver.step(answer, predict, 202)

    # -- protection and statuses

    @rule(
        actor=st.sampled_from([ALICE, ALICE, ALICE, BOB, FULL_BOT]), branch=st.sampled_from(["main", "main", "release"]),
        rules=st.builds(
            Protection, checks=st.sampled_from([(), ("ci",), ("ci", "lint")]), strict=st.booleans(),
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
