"""GitHub's rules of pushes and merges: what may move a branch, and all that follows when it has moved."""

from __future__ import annotations

from collections.abc import Sequence

from tests.localhub.machine.conversation_rules import ConversationRules
from tests.localhub.machine.model import KEYWORDS, ZERO, Protection, Pull, Refused, demand
from tests.localhub.machine.people import Person

DEFAULT = "main"


class PushRules(ConversationRules):
    # -- settings, protection and statuses

    def set_delete_heads(self, actor: Person, *, wish: bool) -> None:
        demand(actor, "admin", "administration")
        self.delete_heads = wish

    def protect(self, actor: Person, branch: str, rules: Protection | None) -> None:
        demand(actor, "admin", "administration")
        if branch not in self.branches or (rules is None and branch not in self.protections):
            raise Refused(404)
        if rules is None:
            del self.protections[branch]
        else:
            self.protections[branch] = rules

    def set_status(self, actor: Person, sha: str, context: str, state: str) -> None:
        demand(actor, "write", "statuses")
        self.statuses.setdefault(sha, {})[context] = state
        self.tell("status", None, sha=sha, context=context, state=state, sender=actor.login)

    # -- moving branches

    def create_branch(self, actor: Person, branch: str, sha: str) -> None:
        demand(actor, "write", "contents")
        if branch in self.branches:
            raise Refused(422, "exists")
        self.moved(actor, branch, ZERO, sha)

    def delete_branch(self, actor: Person, branch: str) -> None:
        demand(actor, "write", "contents")
        if branch not in self.branches or branch == DEFAULT:
            raise Refused(422)
        if branch in self.protections:
            raise Refused(422, "protected")
        self.moved(actor, branch, self.branches[branch], ZERO)

    def move_branch(self, actor: Person, branch: str, sha: str, *, force: bool) -> None:
        """Forwards, or anywhere by force; as a protected branch allows."""
        demand(actor, "write", "contents")
        if branch not in self.branches:
            raise Refused(422)
        old = self.branches[branch]
        if old == sha:
            return
        if not force and not self.commits.is_ancestor(old, sha):
            raise Refused(422, "no fast-forward")
        self.check_push(actor, branch, sha)
        self.moved(actor, branch, old, sha)

    def check_push(self, actor: Person, branch: str, sha: str) -> None:
        """What a protected branch refuses: force, and what did not pass through reviews and checks."""
        rules = self.protections.get(branch)
        if rules is None:
            return
        if not self.commits.is_ancestor(self.branches[branch], sha):
            raise Refused(422, "force")
        if actor.role == "admin" and not rules.admins_too:
            return
        if rules.approvals is not None or self.missing_checks(sha, rules):
            raise Refused(422, "protected")
        new = self.commits.between(self.branches[branch], sha)
        if rules.linear and any(len(self.commits.known[name].parents) > 1 for name in new):
            raise Refused(422, "merge commits")

    def check_new_commit(self, actor: Person, branch: str, *, merge: bool = False) -> None:
        """A commit made just now has no green checks and no reviews."""
        rules = self.protections.get(branch)
        if rules is None or (actor.role == "admin" and not rules.admins_too):
            return
        if rules.approvals is not None or rules.checks or (rules.linear and merge):
            raise Refused(422, "protected")

    def commit_file(self, actor: Person, branch: str, path: str, text: str, message: str) -> str:
        """PUT of a file: a commit on top of the branch."""
        demand(actor, "write", "contents")
        if branch not in self.branches:
            raise Refused(404)
        old = self.branches[branch]
        self.check_new_commit(actor, branch)
        new = self.commits.add([old], {**self.commits.known[old].files, path: text}, message)
        self.moved(actor, branch, old, new)
        return new

    def push(self, actor: Person, moves: Sequence[tuple[str, str]], *, force: bool) -> None:
        """`git push` of some branches at once (to ZERO: deletes it): all may move, or none does."""
        demand(actor, "write", "contents")
        changes = []
        for branch, new in sorted(moves):
            old = self.branches.get(branch, ZERO)
            if old == new:
                continue
            if new == ZERO and (branch == DEFAULT or branch in self.protections):
                raise Refused(422, "may not be deleted")
            if ZERO not in (old, new):
                if not force and not self.commits.is_ancestor(old, new):
                    raise Refused(422, "no fast-forward")
                self.check_push(actor, branch, new)
            changes.append((branch, old, new))
        self._follow(actor.login, changes)

    def moved(self, actor: Person, branch: str, old: str, new: str) -> None:
        self._follow(actor.login, [(branch, old, new)])

    def _follow(self, by: str, changes: Sequence[tuple[str, str, str]]) -> None:
        """All that follows when branches have moved: (branch, old, new)."""
        made = {branch for branch, old, _ in changes if old == ZERO}
        for branch, _, new in changes:
            self.branches[branch] = new
        known = [sha for name, sha in self.branches.items() if name not in made and sha != ZERO]
        fresh = [self._new_commits(known if old == ZERO else [old], new) for _, old, new in changes]
        self.branches = {name: sha for name, sha in self.branches.items() if sha != ZERO}
        for (branch, old, new), brought in zip(changes, fresh, strict=True):
            self._follow_one(by, branch, old, new, brought)

    def _new_commits(self, known: Sequence[str], new: str) -> list[str]:
        """What a push brought: for a new branch, what no other branch has."""
        if new == ZERO:
            return []
        return self.commits.oldest_first(self.commits.reachable(new) - self.commits.reachable(*known))

    def _follow_one(self, by: str, branch: str, old: str, new: str, fresh: Sequence[str]) -> None:
        """GitHub promises no order; here what follows from a push comes before the push itself."""
        forced = ZERO not in (old, new) and not self.commits.is_ancestor(old, new)
        if old == ZERO:
            self.tell("create", None, ref=branch, sender=by)
        self._ended(by, branch, old, new)
        if new == ZERO:
            self._branch_gone(by, branch)
        else:
            self.tell("check_suite", "requested", sha=new, sender=by)
            self._base_moved(by, branch, old, new)
            self._head_moved(by, branch, new, forced=forced)
        for name in fresh:
            self.refer(name, self.commits.known[name].message, by)
        self.tell("push", None, ref=branch, before=old, after=new, forced=forced, sender=by, commits=tuple(fresh))
        if new == ZERO:
            self.tell("delete", None, ref=branch, sender=by)
        if branch == DEFAULT:
            for name in fresh:
                self.close_named(self.commits.known[name].message, by)

    def _ended(self, by: str, branch: str, old: str, new: str) -> None:
        """What is closed or merged tells in its timeline that its branch went, or came back as it was."""
        if ZERO in (old, new):
            for pull in self.pulls(head=branch):
                if pull.state != "open" and pull.head_sha == (old if new == ZERO else new):
                    self.note(pull, "head_ref_deleted" if new == ZERO else "head_ref_restored", by)

    def _branch_gone(self, by: str, branch: str) -> None:
        """Open pull requests from it or onto it are closed."""
        for pull in self.pulls(head=branch, state="open"):
            self.close(pull, by)
            self.note(pull, "head_ref_deleted", by)
        for pull in self.pulls(base=branch, state="open"):
            self.note(pull, "base_ref_deleted", by)
            self.close(pull, by)

    def _base_moved(self, by: str, branch: str, old: str, new: str) -> None:
        """What the base now has is merged, however it got there."""
        landed = self.commits.between(old, new) if old != ZERO else set()
        for pull in self.pulls(base=branch, state="open"):
            if pull.head_sha in landed:
                self.merged(pull, by, old, None)
            else:
                pull.base_sha = new
                self.touched.add(pull.number)

    def _head_moved(self, by: str, branch: str, new: str, *, forced: bool) -> None:
        """Open pull requests follow their branch; one that is left without commits is closed."""
        for pull in self.pulls(head=branch, state="open"):
            before, old_base, pull.head_sha = pull.head_sha, pull.base_sha, new
            if before == new:
                continue
            pull.base_sha = self.branches[pull.base]
            if forced:
                self.note(pull, "head_ref_force_pushed", by)
            self.tell_of(pull, "synchronize", by, before=before, after=new)
            if self.commits.change(old_base, before) != self.commits.change(pull.base_sha, new):
                self.dismiss_stale(pull, by)
            if self.commits.is_ancestor(new, pull.base_sha):
                self.close(pull, by)

    # -- what has landed

    def merged(self, pull: Pull, by: str, before: str, tip: str | None) -> None:
        """It and what its text says it closes (if its base is the default branch) are closed."""
        pull.merged, pull.state, pull.closed_by, pull.base_sha = True, "closed", by, before
        if tip is not None:
            pull.merge_commit = tip
        self.subscribe(pull, by)
        self.note(pull, "merged", by)
        self.note(pull, "closed", by)
        self.tell_of(pull, "closed", by)
        self.mail_all(pull, "merged", by)
        if pull.base == DEFAULT:
            self.close_named(pull.body, by)

    def close_named(self, text: str, by: str) -> None:
        """Closing keywords: open issues of this repository, no pull requests."""
        for number in dict.fromkeys(int(found) for found in KEYWORDS.findall(text)):
            thing = self.things.get(number)
            if thing is not None and thing.open and not thing.is_pull:
                self.close(thing, by)
