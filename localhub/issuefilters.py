"""What a list of issues can be narrowed to: each filter as SQL, with how many issues meet it and what finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub import issuecounts
from localhub.clock import iso, parse_iso
from localhub.errors import field, invalid

if TYPE_CHECKING:
    from localhub.hub import Hub

MANY = 500
"""What is counted one by one, at most."""
_LABELLED = "EXISTS (SELECT 1 FROM issue_labels x WHERE x.issue_id = {id} AND x.label_id = ?)"
_NAMED = (
    "EXISTS (SELECT 1 FROM issue_labels x JOIN labels l ON l.id = x.label_id WHERE x.issue_id = {id} AND l.name = ?)"
)
_ASSIGNED = "EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = {id})"
_ASSIGNED_TO = "EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = {id} AND s.account_id = ?)"


@dataclass(frozen=True)
class Filter:
    """One thing that is asked of issues `i`."""

    condition: str
    """As SQL; `{id}` in it is the issue's."""
    values: tuple[object, ...] = ()
    size: int | None = None
    """How many meet it, if that is known."""
    facet: tuple[str, int] | None = None
    """Kind and value in `issue_facets`, which has them in the order of their making."""
    index: str = ""
    """Or the index of `issues` that finds them, state by state."""
    in_order: bool = True
    """That index has them in the order of their making too."""
    within: str = ""
    """Or a query that gives their `issue_id`, few enough to be sorted."""


def read(
    hub: Hub, query: dict[str, str], states: tuple[str, ...], repo_id: int | None, homes: Sequence[int] = ()
) -> list[Filter]:
    """The filters of a query; without a repository, of those in `homes`."""
    reader = _Reader(hub, query, states, repo_id, frozenset(homes))
    return [
        *reader.labels(),
        *reader.people(),
        *reader.mentioned(),
        *reader.type(),
        *reader.milestone(),
        *reader.since(),
    ]


@dataclass(frozen=True)
class _Reader:
    hub: Hub
    query: dict[str, str]
    states: tuple[str, ...]
    repo_id: int | None
    homes: frozenset[int]

    def labels(self) -> list[Filter]:
        names = [name for name in self.query.get("labels", "").split(",") if name]
        if self.repo_id is None:
            return [Filter(_NAMED, (name,)) for name in names]
        sql = "SELECT id FROM labels WHERE repo_id = ? AND name = ?"
        ids = [self.hub.db.value(sql, self.repo_id, name) or 0 for name in names]
        return [Filter(_LABELLED, (one,), self._facet("label", one), ("label", one)) for one in dict.fromkeys(ids)]

    def people(self) -> list[Filter]:
        found = []
        if creator := self.query.get("creator"):
            who = _account(self.hub, creator)
            found.append(Filter("i.author_id = ?", (who,), self._facet("author", who), index="issues_by_author"))
        assignee = self.query.get("assignee")
        if assignee in ("none", "*"):
            free = None if self.repo_id is None else self._facet("unassigned", 0)
            if assignee == "none":
                found.append(Filter("NOT " + _ASSIGNED, (), free, None if free is None else ("unassigned", 0)))
            else:
                found.append(Filter(_ASSIGNED, (), None if free is None else self._all() - free))
        elif assignee:
            who = _account(self.hub, assignee)
            found.append(Filter(_ASSIGNED_TO, (who,), self._facet("assignee", who), ("assignee", who)))
        return found

    def mentioned(self) -> list[Filter]:
        login = self.query.get("mentioned")
        return [mentioning(_account(self.hub, login))] if login else []

    def type(self) -> list[Filter]:
        asked = self.query.get("type")
        if not asked:
            return []
        if asked in ("none", "*"):
            return [Filter(f"i.type_id IS {'NOT ' if asked == '*' else ''}NULL")]
        named = "EXISTS (SELECT 1 FROM issue_types t WHERE t.id = i.type_id AND t.name = ? COLLATE NOCASE)"
        return [Filter(named, (asked,))]

    def milestone(self) -> list[Filter]:
        asked = self.query.get("milestone")
        if not asked:
            return []
        if self.repo_id is None:
            number = "i.milestone_id = (SELECT id FROM milestones WHERE repo_id = i.repo_id AND number = ?)"
            plain = {"none": Filter("i.milestone_id IS NULL"), "*": Filter("i.milestone_id IS NOT NULL")}
            return [plain.get(asked, Filter(number, (asked,)))]
        having = issuecounts.with_milestone(self.hub, self.repo_id, self.states)
        if asked == "none":
            return [Filter("i.milestone_id IS NULL", (), self._all() - having, index="issues_by_milestone")]
        if asked == "*":
            known = "i.milestone_id IN (SELECT id FROM milestones WHERE repo_id = ?)"
            return [Filter(known, (self.repo_id,), having, index="issues_by_milestone", in_order=False)]
        sql = "SELECT id FROM milestones WHERE repo_id = ? AND number = ?"
        found = self.hub.db.value(sql, self.repo_id, asked) or 0
        size = issuecounts.of_milestone(self.hub, found, self.states)
        return [Filter("i.milestone_id = ?", (found,), size, index="issues_by_milestone")]

    def since(self) -> list[Filter]:
        """Counted from the nearer end, if either is near."""
        if not self.query.get("since"):
            return []
        try:
            since = iso(parse_iso(self.query["since"]))
        except ValueError as error:
            raise invalid("Validation Failed", field("Issue", "since", "invalid")) from error
        if self.repo_id is None:
            return [Filter("i.updated_at >= ?", (since,))]
        size: int | None = self._up_to("updated_at >= ?", since)
        if size is not None and size > MANY:
            before = self._up_to("updated_at < ?", since)
            size = self._all() - before if before <= MANY else None
        return [Filter("i.updated_at >= ?", (since,), size, index="issues_by_state_update", in_order=False)]

    def _up_to(self, condition: str, since: str) -> int:
        """How many, but no more than are quickly counted."""
        one = f"SELECT 1 FROM issues WHERE repo_id = ? AND state = ? AND {condition}"  # noqa: S608
        parts = " UNION ALL ".join(one for _ in self.states)
        values = [value for state in self.states for value in (self.repo_id, state, since)]
        return int(self.hub.db.value(f"SELECT COUNT(*) FROM ({parts} LIMIT ?)", *values, MANY + 1))  # noqa: S608

    def _facet(self, kind: str, value: int) -> int:
        home = self.homes if self.repo_id is None else self.repo_id
        return issuecounts.of_facet(self.hub, kind, value, home, self.states)

    def _all(self) -> int:
        return 0 if self.repo_id is None else issuecounts.of_repository(self.hub, self.repo_id, self.states)


_MENTION = "EXISTS (SELECT 1 FROM notices n WHERE n.thread_id = t.id AND n.kind = 'mention')"


def following(account_id: int) -> Filter:
    """What a person is subscribed to."""
    return _among_threads(account_id, "t.subscribed AND NOT t.ignored")


def mentioning(account_id: int) -> Filter:
    """Where a person is mentioned, as far as they were told of it."""
    return _among_threads(account_id, f"(t.reason = 'mention' OR {_MENTION})")


def _among_threads(account_id: int, condition: str) -> Filter:
    within = f"SELECT t.issue_id FROM threads t WHERE t.account_id = {int(account_id)} AND {condition}"  # noqa: S608
    return Filter(f"{{id}} IN ({within})", within=within)


def _account(hub: Hub, login: str) -> int:
    """The id of an account, 0 for nobody; an app is named `app/slug`."""
    login = login.replace("app/", "") + "[bot]" if login.startswith("app/") else login
    return int(hub.db.value("SELECT id FROM accounts WHERE login = ?", login) or 0)
