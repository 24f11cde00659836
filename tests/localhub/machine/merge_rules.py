"""GitHub's rules of merging: the button, updating a branch, merging two branches, and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.localhub.machine.commits import Files
from tests.localhub.machine.model import ZERO, Pull, Refused, demand
from tests.localhub.machine.people import Person
from tests.localhub.machine.push_rules import DEFAULT, PushRules


@dataclass(frozen=True)
class Landing:
    """Commits that GitHub makes by itself, oldest first: (parents, files); "new" is the one made just before."""

    made: Sequence[tuple[tuple[str, ...], Files, str]]


class MergeRules(PushRules):
    def merge(self, actor: Person, number: int, method: str, sha: str | None, order: Sequence[str]) -> Landing:
        """The commits that the base gets; `landed` when they are known. `order` is how it lists its own."""
        demand(actor, "write", "contents")
        pull = self.pull(actor, number)
        if not pull.open or pull.draft:
            raise Refused(405, "closed or a draft")
        if sha is not None and sha != pull.head_sha:
            raise Refused(409, "the head moved")
        rules = self.protections.get(pull.base)
        if rules is not None:
            if rules.linear and method == "merge":
                raise Refused(405, "linear history")
            bypasses = actor.role == "admin" and not rules.admins_too
            if not bypasses and (self.obstacles(pull, rules) or (rules.strict and self.behind(pull))):
                raise Refused(405, "protected")
        return self._landing(pull, method, order)

    def _landing(self, pull: Pull, method: str, order: Sequence[str]) -> Landing:
        base, head = self.branches[pull.base], pull.head_sha
        if method == "rebase":
            replayed = self.commits.rebase(base, head, order)
            if not replayed:
                raise Refused(405, "cannot be rebased")
            parents = [base, *["new"] * (len(replayed) - 1)]
            made = [
                ((parent,), files, self.commits.known[name].message)
                for parent, (name, files) in zip(parents, replayed, strict=True)
            ]
            return Landing(made)
        files = self.commits.merge(base, head)
        if files is None:
            raise Refused(405, "conflicts")
        if method == "merge":
            return Landing([((base, head), files, f"Merge #{pull.number}")])
        own = [name for name in self.commits.oldest_first(self.commits.between(base, head)) if self._plain(name)]
        message = " ".join(self.commits.known[name].message for name in own)
        return Landing([((base,), files, f"{message} (#{pull.number})")])

    def _plain(self, name: str) -> bool:
        return len(self.commits.known[name].parents) == 1

    def landed(self, actor: Person, number: int, tip: str) -> None:
        """The merge is made and `tip` is what the base branch has now."""
        pull = self.pull(actor, number)
        before = self.branches[pull.base]
        self.merged(pull, actor.login, before, tip)
        self.moved(actor, pull.base, before, tip)
        if self.delete_heads:
            self._delete_head(actor, pull)

    def _delete_head(self, actor: Person, pull: Pull) -> None:
        """The merged head goes, unless it is needed; what stands on it moves down to what it was merged into."""
        head = pull.head
        if head == DEFAULT or head in self.protections or self.pulls(head=head, state="open"):
            return
        for above in self.pulls(base=head, state="open"):
            try:
                self.check_ends(above.head, pull.base)
            except Refused:
                self.note(above, "automatic_base_change_failed", actor.login)
                continue
            above.base, above.base_sha = pull.base, self.branches[pull.base]
            self.note(above, "automatic_base_change_succeeded", actor.login)
            self.tell_of(above, "edited", actor.login, changes=("base",))
        if head in self.branches:
            self.moved(actor, head, self.branches[head], ZERO)

    def update_branch(self, actor: Person, number: int, expected: str | None) -> Landing:
        """Merge the base into the head's branch."""
        demand(actor, "read", "pull_requests")
        pull = self.pull(actor, number)
        if not actor.may("write", "contents"):
            raise Refused(403)
        head, base = self.branches.get(pull.head), self.branches.get(pull.base)
        if not pull.open or head is None or base is None:
            raise Refused(422, "closed")
        if expected not in (None, head) or self.commits.is_ancestor(base, head):
            raise Refused(422)
        files = self.commits.merge(head, base)
        if files is None:
            raise Refused(422, "conflicts")
        self.check_new_commit(actor, pull.head, merge=True)
        return Landing([((head, base), files, f"Merge branch '{pull.base}' into {pull.head}")])

    def merge_branches(self, actor: Person, base: str, head: str) -> Landing | None:
        """POST /merges: a merge commit on a branch, None when there is nothing to merge."""
        demand(actor, "write", "contents")
        if base not in self.branches or head not in self.branches:
            raise Refused(404)
        ours, theirs = self.branches[base], self.branches[head]
        if self.commits.is_ancestor(theirs, ours):
            return None
        files = self.commits.merge(ours, theirs)
        if files is None:
            raise Refused(409, "conflicts")
        self.check_new_commit(actor, base, merge=True)
        return Landing([((ours, theirs), files, f"Merge {head} into {base}")])

    def updated(self, actor: Person, number: int, tip: str) -> None:
        pull = self.pull(actor, number)
        self.moved(actor, pull.head, self.branches[pull.head], tip)
