"""Reads GitHub again for what webhooks may have lost: the same facts, under the same ids."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot import config_file, webhooks
from bot.github.errors import GitHubError
from bot.github.gateway import Gateway, Gateways
from bot.github.values import Delivery, InstallationInfo, Pull, Repository
from bot.intake import Door, labeled
from bot.web import Intake
from planner import keys
from planner.model import Address

log = structlog.get_logger("sweep")

DEFAULT_LABEL = "branchwork"
REDELIVERIES = 20
"""what failed so often is refused for what it is, and not because we were away"""


@dataclass
class Sweep:
    """One reader of one app. `exists`: whether an aggregate is known; `apply`: the engine's `apply_external`."""

    gateways: Gateways
    door: Door
    exists: Callable[[Address], bool]
    apply: Callable[[Intake], None]
    labels: dict[int, frozenset[str]]
    seen: set[tuple[int, int, str]] = field(default_factory=set)
    redelivered: set[int] = field(default_factory=set)
    looked: int = 0
    """the newest delivery that the last look saw"""

    def once(self) -> None:
        """One look at everything. What fails is logged once and looked at again next time."""
        self._guarded("deliveries", self.deliveries)
        try:
            installations = self.gateways.installations()
        except GitHubError as error:
            log.warning("installations cannot be read", error=str(error))
            return
        for one in installations:
            if one.suspended_at is None:
                self._guarded(f"installation {one.id}", partial(self.installation, one))

    def _guarded(self, what: str, look: Callable[[], None]) -> None:
        try:
            look()
        except GitHubError as error:
            log.warning("could not be read again", what=what, error=str(error))

    def deliveries(self) -> None:
        """Webhooks that did not arrive are asked for again; what they tell is handled once all the same."""
        found = self.gateways.deliveries(self.looked)
        tries_of: dict[str, list[Delivery]] = {}
        for delivery in found:
            tries_of.setdefault(delivery.guid, []).append(delivery)
        for guid, tries in tries_of.items():
            last = tries[0]
            arrived = any(200 <= t.status_code < 300 for t in tries)
            # Each try has an id of its own: one that failed again, say while we were starting, is asked for again.
            if not arrived and last.id not in self.redelivered and len(tries) <= REDELIVERIES:
                self.redelivered.add(last.id)
                self.gateways.redeliver(last.id)
                log.info("webhook asked for again", guid=guid, event_name=last.event)
        self.looked = max((d.id for d in found), default=self.looked)

    def installation(self, one: InstallationInfo) -> None:
        for repository in self.gateways.repositories(one.id):
            self.repository(one.id, repository)

    def repository(self, installation: int, repository: Repository) -> None:
        gateway = self.gateways.of(installation, repository.full_name)
        where = webhooks.Where(
            installation=installation, repo=webhooks.Repo(id=repository.id, full_name=repository.full_name)
        )
        text = gateway.file(config_file.PATH, repository.default_branch)
        config = config_file.read(text or "")
        # A configuration that is not valid is answered on the issue; until it is, the default label counts.
        own = DEFAULT_LABEL if isinstance(config, tuple) else config.label
        self.labels[repository.id] = frozenset({own})
        self.labelled(gateway, where, own)
        for pull in gateway.pulls.recently_closed():
            self.pull(gateway, where, pull)

    def labelled(self, gateway: Gateway, where: webhooks.Where, label: str) -> None:
        for issue in gateway.issues.open_with_label(label):
            tree = Address(kind="tree", key=keys.tree_key(where.repo.id, issue.number))
            if self.exists(tree):
                continue
            put = [e for e in gateway.issues.events(issue.number) if e.event == "labeled" and e.label is not None]
            who = next((e.actor for e in reversed(put) if e.label is not None and e.label.name == label), None)
            if who is not None:
                self.apply(
                    labeled(
                        webhooks.Labeled(
                            where=where,
                            sender=webhooks.Actor(login=who.login, id=who.id),
                            label=label,
                            number=issue.number,
                            issue_id=issue.id,
                            title=issue.title,
                            body=issue.body or "",
                            at=issue.updated_at,
                        )
                    )
                )

    def pull(self, gateway: Gateway, where: webhooks.Where, pull: Pull) -> None:
        """A pull request that ended: told as its webhook would have told it."""
        fact = (where.repo.id, pull.number, pull.closed_at or "")
        if fact in self.seen or self.door.routes(where.repo.id, "pull", str(pull.number)) is None:
            return
        self.seen.add(fact)
        sender = webhooks.Actor(login="", id=0)
        if not pull.is_merged:
            closed = [e.actor for e in gateway.issues.events(pull.number) if e.event == "closed" and e.actor]
            if not closed:
                return
            sender = webhooks.Actor(login=closed[-1].login, id=closed[-1].id)
        ended = webhooks.PullEnded(
            where=where,
            sender=sender,
            pull=pull.number,
            merged=pull.is_merged,
            merge_sha=pull.merge_commit_sha or "",
            closed_at=pull.closed_at or "",
        )
        self.apply(self.door.means(ended))


class Sweeper:
    """Runs a sweep every `seconds`, in a thread of its own, until stopped."""

    def __init__(self, sweep: Sweep, seconds: float) -> None:
        self._sweep = sweep
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="github-sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._sweep.once()
            except Exception:  # the sweep is the net under the webhooks: it must go on
                log.exception("the sweep failed")
            self._stop.wait(self._seconds)
