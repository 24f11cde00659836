"""What all machines share: who may act, what they say, and how a thing is chosen."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from tests.localhub.machine.driver import Driver, GitHub
from tests.localhub.machine.model import Pull
from tests.localhub.machine.people import ALICE, BOB, BOTS, CAROL, FULL_BOT, MALLORY, TRIAGER, Person

WRITERS = st.sampled_from([ALICE, BOB, FULL_BOT])
ACTORS = st.one_of(WRITERS, WRITERS, st.sampled_from([TRIAGER, CAROL, *BOTS, MALLORY]))
LABELS = st.lists(st.sampled_from(["bug", "question", "wontfix"]), max_size=3, unique=True)
LOGINS = st.lists(
    st.sampled_from(["alice", "bob", "octo-owner", "carol", "mallory", "nobody"]), max_size=3, unique=True
)
TITLES = st.sampled_from(["A title", "Another title", "Third", "A title", "Third", " "])
WORDS = st.sampled_from(["", "Some words", "@carol, look", "@alice and @mallory", "Closes #1", "Fixes #2, resolves #3"])
PICK = st.integers(0, 40)
PATHS = st.sampled_from(["a.txt", "b.txt", "c.txt"])
TEXTS = st.sampled_from(["one", "two"])
MESSAGES = st.sampled_from(["Change", "Change", "Change, closes #1", "Change, fixes #2 and closes #4"])
NAMES = ("topic", "work", "release")
some_issues = precondition(lambda self: bool(self.model.things))
some_pulls = precondition(lambda self: bool(self.model.pulls()))


class Base(RuleBasedStateMachine):
    """`world` is a freshly seeded localhub."""

    world: Any

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self._folder = tempfile.TemporaryDirectory()
        self.driver = Driver(self.world, Path(self._folder.name))
        self.door = self.driver.door
        self.model: GitHub = self.driver.model
        self._count = 0

    def teardown(self) -> None:
        self._folder.cleanup()
        if not self.driver.failed:
            self.driver.check_everything()

    # -- choosing

    def number(self, pick: int) -> int:
        """One that is there, or (seldom) none that is."""
        return 999 if pick == 40 else sorted(self.model.things)[pick % len(self.model.things)]

    def pull_number(self, pick: int) -> int:
        """A pull request, an open one by preference."""
        known = [each.number for each in self.model.pulls(state="open")] * 4
        known += [each.number for each in self.model.pulls()]
        return known[pick % len(known)]

    def pull(self, number: int) -> Pull:
        found = self.model.things[number]
        assert isinstance(found, Pull)
        return found

    def branch(self, pick: int) -> str:
        """One that is there, or (seldom) one that may not be."""
        return NAMES[pick % 3] if pick > 36 else sorted(self.model.branches)[pick % len(self.model.branches)]

    def commit_name(self, pick: int) -> str:
        """The tip of a branch by preference."""
        if pick % 2:
            return sorted(self.model.branches.values())[pick % len(self.model.branches)]
        return f"c{pick % len(self.model.commits.known)}"

    # -- what several rules do

    def fresh(self, text: str) -> str:
        """Words that no other commit has, so that no two commits are one."""
        self._count += 1
        return f"{text} ({self._count})"

    def open_an_issue(
        self,
        actor: Person,
        title: str,
        body: str,
        labels: list[str],
        assignees: list[str],
        milestone: int | None = None,
    ) -> None:
        wanted = {"title": title, "body": body, "labels": labels, "assignees": assignees}
        wanted |= {} if milestone is None else {"milestone": milestone}
        answer = self.door.rest(actor, "POST", "/issues", **wanted)
        self.driver.made(answer)
        number = self.driver.step(answer, lambda: self.model.open_issue(actor, **wanted), 201)
        assert number is None or answer.data["number"] == number

    def branch_off(self, actor: Person, branch: str, sha: str) -> None:
        answer = self.door.rest(actor, "POST", "/git/refs", ref=f"refs/heads/{branch}", sha=self.door.shas[sha])
        self.driver.step(answer, lambda: self.model.create_branch(actor, branch, sha), 201)

    def commit(self, actor: Person, branch: str, path: str, text: str, message: str) -> None:
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

    def propose(self, actor: Person, **wanted: Any) -> None:
        """Open a pull request."""
        answer = self.door.rest(actor, "POST", "/pulls", **wanted)
        self.driver.made(answer)
        number = self.driver.step(answer, lambda: self.model.open_pull(actor, **wanted), 201)
        assert number is None or answer.data["number"] == number
