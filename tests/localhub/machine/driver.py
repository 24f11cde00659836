"""One step: ask localhub, ask the model, and compare the status, the webhooks, what was touched and the mails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.localhub.machine.commits import Files
from tests.localhub.machine.door import Answer, Door, in_order
from tests.localhub.machine.merge_rules import Landing, MergeRules
from tests.localhub.machine.model import Protection, Refused
from tests.localhub.machine.people import ALICE, TRIAGER
from tests.localhub.machine.reading import check_all, check_mails, check_thing
from tests.localhub.machine.relation_rules import RelationRules

T = TypeVar("T")


class GitHub(RelationRules, MergeRules):
    """All the rules."""


class Driver:
    def __init__(self, world: Any, folder: Path) -> None:
        self.door = Door(world, folder)
        self.model = GitHub()
        self.ids: dict[int, int] = {}
        """The database id of each number."""
        self.failed = False
        self.nodes: dict[int, str] = {}
        self.milestones: dict[int, str] = {}
        """Their node ids."""
        world.admin("/limits", {"enforced": False, "search_lag_seconds": 2.0})
        role = {"permission": TRIAGER.role}
        assert self.door.rest(ALICE, "PUT", f"/collaborators/{TRIAGER.login}", **role).status == 204
        sha = self.door.read("/git/ref/heads/main")["object"]["sha"]
        self.door.name(sha, self.model.commits.add([], {"README.md": "# sample"}, "Initial commit"))
        self.model.branches["main"] = "c0"

    def step(self, answer: Answer, predict: Callable[[], T], done: int = 200) -> T | None:
        """Compare an answer, and all that came of it, with what the model predicts."""
        self.model.outbox, self.model.touched = [], set()
        self.failed = True
        refusal = ""
        try:
            result, status = predict(), done
        except Refused as refused:
            result, status, refusal = None, refused.status, str(refused)
        status = 200 if answer.graphql and status < 300 else status
        assert answer.agrees(status), f"expected {status} {refusal}, got {answer}"
        self.compare()
        self.failed = False
        return result

    def compare(self) -> None:
        came, expected = in_order(self.door.told()), in_order(self.model.outbox)
        assert came == expected, (
            "webhooks:\n  came     "
            + "\n           ".join(map(repr, came))
            + "\n  expected "
            + ("\n           ".join(map(repr, expected)))
        )
        for number in sorted(self.model.touched):
            check_thing(self.door, self.model, self.model.things[number])
        check_mails(self.door, self.model)

    def made(self, answer: Answer) -> None:
        """Remember the ids of an issue or pull request just made."""
        if answer.status == 201:
            number = answer.data["number"]
            self.nodes[number] = answer.data["node_id"]
            self.ids[number] = self.door.read(f"/issues/{number}")["id"]

    # -- commits

    def write_commit(self, parent: str, path: str, text: str, message: str) -> str:
        """A commit that is on no branch yet, over the git database's calls."""
        files: Files = {**self.model.commits.known[parent].files, path: text}
        tree = self.door.rest(
            ALICE, "POST", "/git/trees", base_tree=self.door.shas[parent],
            tree=[{"path": path, "mode": "100644", "type": "blob", "content": f"{text}\n"}],
        )  # fmt: skip
        made = self.door.rest(
            ALICE, "POST", "/git/commits", message=message, tree=tree.data["sha"], parents=[self.door.shas[parent]]
        )
        assert made.status == 201, made
        name = self.model.commits.add([parent], files, message)
        self.door.name(made.data["sha"], name)
        return name

    def adopt(self, landing: Landing, tip: str) -> str:
        """Name the commits that GitHub made, newest at `tip`, after checking that they are what the model expects."""
        chain = [tip]
        for _ in landing.made[1:]:
            chain.append(self._commit(chain[-1])["parents"][0]["sha"])
        name = ""
        for sha, (parents, files, message) in zip(reversed(chain), landing.made, strict=True):
            wanted = [name if parent == "new" else parent for parent in parents]
            shown = self._commit(sha)
            assert [self.door.names[each["sha"]] for each in shown["parents"]] == wanted
            if files != self.model.commits.known.get(wanted[0]) or sha not in self.door.names:
                name = self.model.commits.add(wanted, files, message)
                self.door.name(sha, name)
            self._check_tree(shown["tree"]["sha"], files)
        return name

    def _commit(self, sha: str) -> Any:
        return self.door.read(f"/git/commits/{sha}")

    def _check_tree(self, tree: str, files: Files) -> None:
        rows = self.door.read(f"/git/trees/{tree}")["tree"]
        assert {row["path"]: row["size"] for row in rows} == {path: len(text) + 1 for path, text in files.items()}

    # -- protection

    def protection_body(self, rules: Protection) -> dict[str, Any]:
        checks = {"strict": rules.strict, "contexts": list(rules.checks)} if rules.checks else None
        reviews = None
        if rules.approvals is not None:
            reviews = {"required_approving_review_count": rules.approvals, "dismiss_stale_reviews": rules.dismiss_stale}
        return {
            "required_status_checks": checks, "enforce_admins": rules.admins_too, "restrictions": None,
            "required_pull_request_reviews": reviews, "required_linear_history": rules.linear,
            "required_conversation_resolution": rules.conversations,
        }  # fmt: skip

    def check_everything(self) -> None:
        check_all(self.door, self.model)
