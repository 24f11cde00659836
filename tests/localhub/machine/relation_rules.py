"""GitHub's rules of sub-issues and of dependencies between issues."""

from __future__ import annotations

from tests.localhub.machine.model import Issue, Refused, State, demand
from tests.localhub.machine.people import Person

MAX_CHILDREN, MAX_LEVELS, MAX_DEPENDENCIES = 100, 8, 50


class RelationRules(State):
    # -- sub-issues: a tree

    def add_sub_issue(self, actor: Person, number: int, child_number: int, *, replace_parent: bool = False) -> None:
        """One parent each, no circle, 100 children counting closed ones, 8 levels; issues only."""
        demand(actor, "triage", "issues")
        parent, child = self.thing(actor, number), self.thing(actor, child_number)
        if parent is child or parent.is_pull or child.is_pull:
            raise Refused(422)
        if child.parent == number or (child.parent is not None and not replace_parent):
            raise Refused(422, "one parent only")
        if len(parent.children) >= MAX_CHILDREN or child_number in self.ancestors(number):
            raise Refused(422, "too many, or a circle")
        if 1 + len(self.ancestors(number)) + self._levels(child_number) > MAX_LEVELS:
            raise Refused(422, "too deep")
        if child.parent is not None:
            self._unlink(actor, self.things[child.parent], child)
        child.parent = number
        parent.children.append(child_number)
        self._linked(actor, parent, child, "added")

    def ancestors(self, number: int) -> list[int]:
        parent = self.things[number].parent
        return [] if parent is None else [parent, *self.ancestors(parent)]

    def _levels(self, number: int) -> int:
        return 1 + max((self._levels(each) for each in self.things[number].children), default=0)

    def remove_sub_issue(self, actor: Person, number: int, child_number: int) -> None:
        demand(actor, "triage", "issues")
        parent, child = self.thing(actor, number), self.thing(actor, child_number)
        if child.parent != number:
            raise Refused(404)
        self._unlink(actor, parent, child)

    def _unlink(self, actor: Person, parent: Issue, child: Issue) -> None:
        child.parent = None
        parent.children.remove(child.number)
        self._linked(actor, parent, child, "removed")

    def _linked(self, actor: Person, parent: Issue, child: Issue, verb: str) -> None:
        self.note(parent, f"sub_issue_{verb}", actor.login)
        self.note(child, f"parent_issue_{verb}", actor.login)
        facts = {"parent": parent.number, "child": child.number, "sender": actor.login}
        self.tell("sub_issues", f"sub_issue_{verb}", **facts)
        self.tell("sub_issues", f"parent_issue_{verb}", **facts)

    def move_sub_issue(self, actor: Person, number: int, child: int, anchor: int, *, after: bool) -> None:
        """Reorder two children of one parent; nobody is told."""
        demand(actor, "triage", "issues")
        order = self.thing(actor, number).children
        self.thing(actor, child)
        if child not in order or anchor not in order or child == anchor:
            raise Refused(422)
        order.remove(child)
        order.insert(order.index(anchor) + (1 if after else 0), child)
        self.touched.add(number)

    # -- dependencies: a graph, which may have circles of three and more

    def add_blocker(self, actor: Person, number: int, blocker_number: int) -> None:
        """Issues only; not itself, not twice, not both ways; 50 of each kind."""
        demand(actor, "triage", "issues")
        issue, blocker = self.thing(actor, number), self.thing(actor, blocker_number)
        if issue is blocker or issue.is_pull or blocker.is_pull:
            raise Refused(422)
        if blocker_number in issue.blockers or number in blocker.blockers:
            raise Refused(422, "already")
        if len(issue.blockers) >= MAX_DEPENDENCIES or len(self.blocking(blocker_number)) >= MAX_DEPENDENCIES:
            raise Refused(422, "too many")
        issue.blockers.append(blocker_number)
        self._depends(actor, issue, blocker, "added")

    def remove_blocker(self, actor: Person, number: int, blocker_number: int) -> None:
        """Taking away what is not there is fine."""
        demand(actor, "triage", "issues")
        issue, blocker = self.thing(actor, number), self.thing(actor, blocker_number)
        if blocker_number in issue.blockers:
            issue.blockers.remove(blocker_number)
            self._depends(actor, issue, blocker, "removed")

    def blocking(self, number: int) -> list[int]:
        return [each.number for each in self.things.values() if number in each.blockers]

    def _depends(self, actor: Person, issue: Issue, blocker: Issue, verb: str) -> None:
        self.note(issue, f"blocked_by_{verb}", actor.login)
        self.note(blocker, f"blocking_{verb}", actor.login)
        facts = {"blocked": issue.number, "blocking": blocker.number, "sender": actor.login}
        self.tell("issue_dependencies", f"blocked_by_{verb}", **facts)
        self.tell("issue_dependencies", f"blocking_{verb}", **facts)
