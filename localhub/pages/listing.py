"""The words of a list's search box, in GitHub's query language, as SQL over the issues of one repository.

Known: is, state, type, label, author, assignee, milestone, reason, no, sort, in, and plain words; a minus negates.
Nothing lags here, as the search of the API does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localhub.issuelist import Where

if TYPE_CHECKING:
    from localhub.hub import Hub

_TERM = re.compile(r'(?P<minus>-?)(?:(?P<key>[a-z-]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
_LOGIN = "(SELECT id FROM accounts WHERE login = ?)"
_PULL = "EXISTS (SELECT 1 FROM pulls p WHERE p.issue_id = i.id AND {})"
_IS = {
    "open": "i.state = 'open'",
    "closed": "i.state = 'closed'",
    "issue": "i.is_pull = 0",
    "pr": "i.is_pull = 1",
    "merged": _PULL.format("p.merged"),
    "unmerged": _PULL.format("p.merged = 0"),
    "draft": _PULL.format("p.draft"),
    "locked": "i.locked = 1",
    "blocked": "EXISTS (SELECT 1 FROM dependencies d JOIN issues b ON b.id = d.blocking_id "
    "WHERE d.blocked_id = i.id AND b.state = 'open')",
}
_NO = {
    "label": "NOT EXISTS (SELECT 1 FROM issue_labels x WHERE x.issue_id = i.id)",
    "assignee": "NOT EXISTS (SELECT 1 FROM assignees s WHERE s.issue_id = i.id)",
    "milestone": "i.milestone_id IS NULL",
    "parent-issue": "NOT EXISTS (SELECT 1 FROM sub_issues s WHERE s.child_id = i.id)",
}
_BY_VALUE = {
    "label": "i.id IN (SELECT x.issue_id FROM issue_labels x JOIN labels l ON l.id = x.label_id WHERE l.name = ?)",
    "author": f"i.author_id = {_LOGIN}",
    "assignee": f"i.id IN (SELECT s.issue_id FROM assignees s WHERE s.account_id = {_LOGIN})",  # noqa: S608
    "milestone": "i.milestone_id = (SELECT id FROM milestones WHERE repo_id = i.repo_id AND title = ?)",
    "reason": "i.state_reason = replace(?, ' ', '_')",
}
SORTS = {
    "created-desc": ("Newest", "i.id DESC"),
    "created-asc": ("Oldest", "i.id ASC"),
    "updated-desc": ("Recently updated", "i.updated_at DESC, i.id DESC"),
    "updated-asc": ("Least recently updated", "i.updated_at ASC, i.id ASC"),
    "comments-desc": ("Most commented", "i.comments DESC, i.id DESC"),
}
NEWEST = "created-desc"
MOST = 5000
"""What is counted and paged through at most: a page costs the same whether 5,000 or 500,000 match."""


def counted(hub: Hub, where: str, *values: object) -> int:
    """How many rows `FROM … WHERE …` has, up to MOST."""
    return int(hub.db.value(f"SELECT COUNT(*) FROM (SELECT 1 {where} LIMIT {MOST})", *values))  # noqa: S608


def many(number: int) -> str:
    """A count in words: `12`, `5,000+`."""
    return f"{number:,}+" if number >= MOST else f"{number:,}"


@dataclass(frozen=True)
class Term:
    """One word of the box: `key` is empty for a word to look for."""

    key: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        quoted = f'"{self.value}"' if re.search(r"[\s:]", self.value) or not self.value else self.value
        return f"{'-' if self.negated else ''}{self.key + ':' if self.key else ''}{quoted}"


@dataclass(frozen=True)
class Query:
    """What the box says."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> Query:
        terms = []
        for match in _TERM.finditer(text):
            key, value = match["key"] or "", match["plain"] if match["quoted"] is None else match["quoted"]
            if key in ("state", "type"):
                key = "is"
            if value:
                terms.append(Term(key, value, bool(match["minus"])))
        return cls(tuple(terms))

    def __str__(self) -> str:
        return " ".join(str(term) for term in self.terms)

    def value(self, key: str) -> str | None:
        return next((term.value for term in self.terms if term.key == key and not term.negated), None)

    def having(self, key: str, value: str | None) -> Query:
        """The same with this value of the key alone; None takes the key away. Open and closed replace each other."""
        states = ("open", "closed", "merged", "all")
        rest = [
            term for term in self.terms
            if not (term.key == key and not term.negated and (key != "is" or term.value in states))
        ]  # fmt: skip
        if key in _BY_VALUE:
            rest = [term for term in rest if not (term.key == "no" and term.value == key)]
        return Query((*rest, Term(key, value)) if value is not None else tuple(rest))

    @property
    def state(self) -> str:
        """open, closed, merged, or all."""
        for term in self.terms:
            if term.key == "is" and not term.negated and term.value in ("open", "closed", "merged"):
                return term.value
        return "all"

    @property
    def has_words(self) -> bool:
        return any(not term.key for term in self.terms)

    @property
    def order(self) -> str:
        """A key of SORTS."""
        asked = self.value("sort") or NEWEST
        asked = asked if "-" in asked else f"{asked}-desc"
        return asked if asked in SORTS else NEWEST

    def narrow(self, where: Where) -> None:
        """Add what the terms ask for; an unknown qualifier finds nothing rather than everything."""
        for term in self.terms:
            condition, values = _condition(term)
            where.add(f"NOT ({condition})" if term.negated else condition, *values)


def _condition(term: Term) -> tuple[str, tuple[str, ...]]:
    key, value = term.key, term.value
    if key in ("sort", "in", "repo", "archived"):
        return "1 = 1", ()
    if key == "is":
        return _IS.get(value, "1 = 1" if value == "all" else "1 = 0"), ()
    if key == "no":
        return _NO.get(value, "1 = 0"), ()
    if key in ("author", "assignee") and value.startswith("app/"):
        value = f"{value.removeprefix('app/')}[bot]"
    if key in _BY_VALUE:
        return _BY_VALUE[key], (value,)
    words = f"{key}:{value}" if key else value
    number = words.removeprefix("#")
    if number.isascii() and number.isdigit() and words != number:
        return "i.number = CAST(? AS INTEGER)", (number[:15],)
    contained = "instr(lower(i.title || ' ' || COALESCE(i.body, '')), lower(?)) > 0"
    if len(words) < 3:  # the index knows what has three letters
        return contained, (words,)
    found = "SELECT rowid FROM search_words WHERE search_words MATCH ?"
    phrase = 'text : "' + words.replace('"', '""') + '"'
    return f"i.id IN ({found} UNION SELECT issue_id FROM search_stale) AND {contained}", (phrase, words)  # noqa: S608
