"""What GitHub would have in one private repository: its state, and the words in which the rules speak of changes.

The rules are in issue_rules.py, pull_rules.py and push_rules.py. Each is a method that either raises `Refused` with
the status that GitHub answers and changes nothing, or changes the state and says what GitHub tells of it: webhooks
in their order, entries of timelines, mails to people.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.localhub.machine.commits import Commits
from tests.localhub.machine.people import BOT, RANK, ROLES, Person

ZERO = "0"
"""The name of no commit, as pushes tell of a branch made or deleted."""
KEYWORDS = re.compile(r"\b(?:closes|fixes|resolves) #(\d+)", re.IGNORECASE)
MENTION = re.compile(r"@([\w-]+)")
REFERENCE = re.compile(r"(?<![\w/#&])#(\d+)\b")


class Refused(Exception):
    """GitHub says no, and nothing has changed."""

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(f"{status} {why}")
        self.status = status


@dataclass(frozen=True)
class Told:
    """A webhook: its event, its action and what of its payload the model knows."""

    event: str
    action: str | None
    facts: tuple[tuple[str, Any], ...]

    def __repr__(self) -> str:
        return f"{self.event}.{self.action}({', '.join(f'{key}={value!r}' for key, value in self.facts)})"


def told(event: str, action: str | None, **facts: Any) -> Told:
    return Told(event, action, tuple(sorted(facts.items())))


@dataclass
class Issue:
    """An issue, or the half of a pull request that it shares with issues."""

    number: int
    author: str
    title: str
    body: str
    state: str = "open"
    reason: str | None = None
    locked: bool = False
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: dict[int, tuple[str, str]] = field(default_factory=dict)
    """By the comment's id: its author and text."""
    children: list[int] = field(default_factory=list)
    parent: int | None = None
    blockers: list[int] = field(default_factory=list)
    timeline: list[tuple[str, str]] = field(default_factory=list)
    """(event, who)."""
    subscribers: set[str] = field(default_factory=set)
    closed_by: str | None = None
    milestone: int | None = None
    named_by: set[int | str] = field(default_factory=set)
    """The issues and commits whose text names this one."""

    @property
    def is_pull(self) -> bool:
        return isinstance(self, Pull)

    @property
    def open(self) -> bool:
        return self.state == "open"


@dataclass
class Review:
    author: str
    state: str
    commit: str
    body: str


@dataclass
class Thread:
    path: str
    resolved: bool = False


@dataclass
class LineComment:
    author: str
    text: str
    review: int
    thread: int
    answers: int | None = None


@dataclass
class Milestone:
    title: str
    state: str


@dataclass
class Pull(Issue):
    head: str = ""
    base: str = ""
    head_sha: str = ""
    base_sha: str = ""
    """Of the base branch while open; what it was before the merge, afterwards."""
    draft: bool = False
    merged: bool = False
    merge_commit: str | None = None
    reviews: dict[int, Review] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)
    lines: dict[int, LineComment] = field(default_factory=dict)
    """Comments on lines, by their ids."""
    threads: dict[int, Thread] = field(default_factory=dict)
    """By the id of the comment that began it."""

    def sees_line(self, comment: int, login: str) -> bool:
        """What is in a pending review is there for its author alone."""
        review = self.reviews[self.lines[comment].review]
        return review.state != "PENDING" or review.author == login

    def lines_of(self, thread: int) -> list[int]:
        return [key for key, each in sorted(self.lines.items()) if each.thread == thread]

    def sees_thread(self, thread: int, login: str) -> bool:
        return any(self.sees_line(key, login) for key in self.lines_of(thread))

    def heard(self, thread: int) -> bool:
        """Whether somebody besides its author can have heard of it."""
        return self.sees_thread(thread, "")

    @property
    def unresolved(self) -> int:
        return sum(not each.resolved and self.heard(key) for key, each in self.threads.items())


@dataclass(frozen=True)
class Protection:
    """What a branch demands: required checks, on top of the base if strict, and reviews if not None."""

    checks: tuple[str, ...] = ()
    strict_checks: bool = False
    approvals: int | None = None
    dismiss_stale: bool = False
    linear: bool = False
    admins_too: bool = True
    conversations: bool = False
    """Whether every conversation must be resolved."""

    @property
    def strict(self) -> bool:
        return self.strict_checks and bool(self.checks)


@dataclass
class State:
    """The repository, and what it tells of the change under way."""

    things: dict[int, Issue] = field(default_factory=dict)
    commits: Commits = field(default_factory=Commits)
    branches: dict[str, str] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    last_milestone: int = 0
    delete_heads: bool = False
    """The setting "Automatically delete head branches"."""
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)
    """By commit: the newest state of each context."""
    mails: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(person, kind of mail)."""
    outbox: list[Told] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    # -- what every rule does

    def tell(self, event: str, action: str | None, **facts: Any) -> None:
        self.outbox.append(told(event, action, **facts))

    def note(self, thing: Issue, event: str, by: str) -> None:
        """An entry of the timeline."""
        thing.timeline.append((event, by))
        self.touched.add(thing.number)

    def tell_of(self, thing: Issue, action: str, by: str, **facts: Any) -> None:
        """The webhook `issues` or `pull_request`, with the thing as it is now."""
        self.touched.add(thing.number)
        common = {"number": thing.number, "sender": by, "state": thing.state, "title": thing.title}
        if isinstance(thing, Pull):
            more = {"merged": thing.merged, "draft": thing.draft, "head": thing.head_sha, "base": thing.base}
            self.tell("pull_request", action, **common, **more, **facts)
        else:
            self.tell("issues", action, **common, reason=thing.reason, **facts)
        if action in ("opened", "edited"):
            self.refer(thing.number, thing.body, by)

    def refer(self, source: int | str, text: str, by: str) -> None:
        """`#3` in the text of an issue, a comment or a commit leaves a trace in #3, once for each source."""
        for number in dict.fromkeys(int(found) for found in REFERENCE.findall(text)):
            named = self.things.get(number)
            if named is not None and number != source and source not in named.named_by:
                named.named_by.add(source)
                self.note(named, "cross-referenced" if isinstance(source, int) else "referenced", by)

    # -- who hears of it

    def subscribe(self, thing: Issue, login: str) -> None:
        """Whoever takes part is told of what follows; bots get no mail."""
        if login != BOT:
            thing.subscribers.add(login)

    def mail(self, thing: Issue, login: str, kind: str, by: str) -> None:
        """One mail, unless the person did it; who gets one is subscribed."""
        self.subscribe(thing, login)
        if login not in (by, BOT):
            self.mails[login, kind] += 1

    def mail_all(self, thing: Issue, kind: str, by: str, text: str = "") -> None:
        """A mail to everybody who is mentioned in the text, and one to every other subscriber."""
        named = mentioned(text)
        followers = thing.subscribers - set(named)
        for login in named:
            self.mail(thing, login, "mention", by)
        for login in sorted(followers):
            self.mail(thing, login, kind, by)

    def rewritten(self, thing: Issue, before: str, after: str) -> None:
        """An edited text: whom it mentions now follows, but nobody is mailed."""
        for login in set(mentioned(after)) - set(mentioned(before)):
            self.subscribe(thing, login)

    # -- finding things

    def thing(self, actor: Person, number: int) -> Issue:
        if not actor.sees or number not in self.things:
            raise Refused(404)
        found = self.things[number]
        if not found.is_pull and actor.is_bot and not actor.may("read", "issues"):
            raise Refused(403, "a permission for pull requests opens no issue")
        return found

    def pull(self, actor: Person, number: int) -> Pull:
        found = self.thing(actor, number)
        if not isinstance(found, Pull):
            raise Refused(404, "an issue is no pull request")
        return found

    def pulls(self, **wanted: Any) -> list[Pull]:
        """The pull requests whose attributes are these, oldest first."""
        found = [thing for thing in self.things.values() if isinstance(thing, Pull)]
        return [each for each in found if all(getattr(each, name) == value for name, value in wanted.items())]

    @property
    def next_number(self) -> int:
        """Issues and pull requests count together."""
        return len(self.things) + 1


def demand(actor: Person, role: str, *permissions: str) -> None:
    """404 for what may not be seen, 403 for what may not be done."""
    if not actor.sees:
        raise Refused(404)
    if not actor.may(role, *permissions):
        raise Refused(403, f"needs {role} or {permissions}")


def mentioned(text: str) -> list[str]:
    """Whom a text mentions and who can see the repository."""
    return sorted({login for login in MENTION.findall(text) if RANK[ROLES.get(login, "none")] > 0})
