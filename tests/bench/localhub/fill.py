"""Fills a data directory with issues, comments and pull requests' neighbours by localhub's own functions, in one go.

`python -m tests.bench.localhub.fill DIR COUNT`: alice/sample gets COUNT issues with labels and an assignee, a comment on
each and ten more on the first; half of them are closed. Bob comments on every other one, which alice is notified of. The
word `heron` is in five of the first ten and nowhere else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from localhub import auth, comments, issues, labels, seed
from localhub.auth import Actor
from localhub.hub import Hub
from localhub.seedfile import Seed

SEED = {
    "users": [
        {"login": "alice", "name": "Alice", "email": "alice@example.org", "token": "ghp_alice"},
        {"login": "bob", "token": "ghp_bob"},
    ],
    "repositories": [{"full_name": "alice/sample"}],
}


def fill(data: Path, count: int) -> None:
    hub = Hub(data)
    hub.limits.change({"enforced": False})
    seed.plant(hub, Seed.model_validate(SEED))
    alice: Actor = auth.authenticate(hub, "Bearer ghp_alice")
    bob: Actor = auth.authenticate(hub, "Bearer ghp_bob")
    repo = hub.access.repo("alice", "sample", actor=alice)
    with hub.tx():
        for number in range(10):
            labels.create(hub, repo, f"label-{number}", alice)
        for number in range(count):
            wanted = [f"label-{number % 10}", "odd" if number % 2 else "even"]
            text = f"What is number {number} about?\n" + "A sentence that says what is wanted and why. " * 5
            text += "A heron." if number < 10 and number % 2 else ""
            made = issues.create(hub, repo, alice, f"Issue {number}", text, labels=wanted, assignees=["alice"])
            comments.create(hub, repo, made.row, alice, f"A remark on number {number}.")
            if number % 2:
                comments.create(hub, repo, made.row, bob, f"Another on number {number}.")
            if number < 10:  # as many on the first issue, however many issues there are
                first = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = 1", repo["id"])
                assert first is not None
                comments.create(hub, repo, first, alice, f"Remark {number} on the first.")
            if number % 10 >= 5:
                issues.close(hub, made.row, alice.account_id)
    hub.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
