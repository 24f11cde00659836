"""What a webhook means for the trees: facts for those who own what it names, and people's acts to be vetted first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot import commands, webhooks
from bot.perform.context import Mark
from bot.previews import TICK
from bot.web import Intake
from planner import keys
from planner.actions import Vet
from planner.events import Event, InstallationChanged, PullMerged
from planner.model import Address, Scope

Routes = Callable[[int, str, str], Address | None]
"""(repository id, kind, value) → who owns it"""


@dataclass(frozen=True)
class Self:
    """Who the bot is on GitHub: it never reacts to itself."""

    app_id: int
    slug: str

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"


@dataclass(frozen=True)
class Door:
    """Reads webhooks.

    `labels`: the names that start a tree in a repository. `wake`: checks of a head changed, as (installation, SHA).
    """

    me: Callable[[], Self]
    routes: Routes
    read_mark: Callable[[int, str], Mark | None]
    labels: Callable[[int], frozenset[str]]
    wake: Callable[[int, str], None]

    def __call__(self, event: str, guid: str, payload: Mapping[str, Any]) -> Intake:
        """The engine's `IntakeFunction`. `guid` says nothing about the fact."""
        del guid
        fact = webhooks.parse(event, payload)
        return Intake() if fact is None else self.means(fact)

    def means(self, fact: webhooks.Fact) -> Intake:
        match fact:
            case webhooks.InstallationFact():
                to = keys.installation(fact.installation)
                changed = InstallationChanged(state=fact.state)
                return Intake(events=((to, f"installation:{fact.installation}:{fact.state}:{fact.at}", changed),))
            case webhooks.ChecksChanged():
                self.wake(fact.where.installation, fact.sha)
                return Intake()
            case webhooks.PullEnded() if fact.merged:
                # Merged is merged, whoever did it: by a click, by us, or because the head became reachable.
                return self.event(
                    fact.where, "pull", fact.pull, merged_id(fact.where.repo.id, fact.pull),
                    PullMerged(pull=fact.pull, merge_sha=fact.merge_sha),
                )  # fmt: skip
        if fact.sender.login == self.me().login:
            return Intake()
        match fact:
            case webhooks.Labeled():
                return self.labeled(fact)
            case webhooks.Commented():
                return self.commented(fact)
            case webhooks.ReviewSubmitted():
                ident = f"review:{fact.review_id}:{fact.state}"
                facts = {"pull": fact.pull, "review_id": fact.review_id, "state": fact.state, "sha": fact.sha,
                         "body": fact.body}  # fmt: skip
                return self.vetted(fact.where, "pull", fact.pull, "reviewed", fact.author, ident, facts)
            case webhooks.PullEnded():
                ident = f"pull_closed:{fact.where.repo.id}:{fact.pull}:{fact.closed_at}"
                return self.vetted(
                    fact.where, "pull", fact.pull, "pull_closed", fact.sender.login, ident, {"pull": fact.pull}
                )
            case webhooks.IssueEnded():
                ident = f"issue_closed:{fact.where.repo.id}:{fact.number}:{fact.closed_at}"
                return self.vetted(
                    fact.where, "issue", fact.number, "issue_closed", fact.sender.login, ident, {"number": fact.number}
                )

    def labeled(self, fact: webhooks.Labeled) -> Intake:
        if fact.label not in self.labels(fact.where.repo.id):
            return Intake()
        return labeled(fact)

    def commented(self, fact: webhooks.Commented) -> Intake:
        if fact.edited:
            return self.ticked(fact)
        if fact.via_app == self.me().app_id:
            return Intake()
        asked = commands.parse(fact.body, self.me().slug)
        facts: dict[str, object] = {"number": fact.number, "comment_id": fact.comment_id, "app_id": fact.via_app}
        match asked:
            case None:
                return Intake()
            case commands.Command(word="replan", words=words) | commands.Free(words=words):
                facts |= {"asked": "said", "words": words}
            case commands.Command(word=word, words=words):
                facts |= {"asked": word, "words": words}
            case commands.UnknownCommand(word=word, did_you_mean=mean):
                facts |= {"asked": "unknown", "words": word, "did_you_mean": mean}
        ident = f"comment:{fact.comment_id}:{fact.updated_at}"
        kind = "pull" if fact.on_pull else "issue"
        return self.vetted(fact.where, kind, fact.number, "commented", fact.sender.login, ident, facts)

    def ticked(self, fact: webhooks.Commented) -> Intake:
        """A box ticked in one of our previews. The marker says which plan; the sender of the edit is who ticked."""
        if fact.author != self.me().login or TICK.search(fact.body) is None:
            return Intake()
        mark = self.read_mark(fact.where.repo.id, fact.body)
        if mark is None or mark.kind != "preview":
            return Intake()
        node, plan_hash = str(mark.facts.get("node", "")), str(mark.facts.get("hash", ""))
        ident = f"comment:{fact.comment_id}:{fact.updated_at}"
        to = Address(kind="planner", key=node)
        facts: dict[str, object] = {"hash": plan_hash, "comment_id": fact.comment_id}
        return act(fact.where, to, "ticked", fact.sender.login, ident, facts)

    def vetted(
        self, where: webhooks.Where, kind: str, number: int, fact: str, login: str, ident: str, facts: dict[str, object]
    ) -> Intake:
        to = self.routes(where.repo.id, kind, str(number))
        return Intake() if to is None else act(where, to, fact, login, ident, facts)

    def event(self, where: webhooks.Where, kind: str, number: int, ident: str, event: Event) -> Intake:
        to = self.routes(where.repo.id, kind, str(number))
        return Intake() if to is None else Intake(events=((to, ident, event),))


def labeled(fact: webhooks.Labeled) -> Intake:
    """A label that starts a tree. Which of GitHub's own events it was is read when it is vetted: that is its id."""
    to = Address(kind="tree", key=keys.tree_key(fact.where.repo.id, fact.number))
    ident = f"labeled:{fact.where.repo.id}:{fact.number}:{fact.sender.login}:{fact.at}"
    facts: dict[str, object] = {"issue_id": fact.issue_id, "title": fact.title, "body": fact.body, "label": fact.label}
    return act(fact.where, to, "labeled", fact.sender.login, ident, facts)


def merged_id(repo_id: int, pull: int) -> str:
    """The id of the one fact that a pull request was merged, whoever tells it."""
    return f"merged:{repo_id}:{pull}"


def act(where: webhooks.Where, to: Address, fact: str, login: str, ident: str, facts: dict[str, object]) -> Intake:
    """A person's act, to be vetted on behalf of the aggregate that it concerns."""
    tree = keys.tree_of(to.key)
    root = tree.partition("-")[2]
    scope = Scope(
        installation=where.installation,
        repo_id=where.repo.id,
        repo=where.repo.full_name,
        root=int(root) if root.isdigit() else 0,
        tree=tree,
    )
    action = Vet(key=f"vet:{ident}", to=to, fact=fact, login=login, facts=facts | {"id": ident})
    return Intake(actions=((to, scope, action),))
