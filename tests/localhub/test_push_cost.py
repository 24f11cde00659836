"""What a push to a base costs does not grow with the pull requests that are open onto it."""

from __future__ import annotations

import base64
from typing import Any

REPO = "/repos/alice/sample"


def test_a_push_to_a_base_costs_what_it_brings_however_many_pull_requests_wait_for_it(hub: Any) -> None:
    """By the steps that SQLite takes, in hundreds."""
    hub.admin("/limits", {"enforced": False})
    alice = hub.client("alice")
    main = alice.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    def write(path: str, branch: str) -> None:
        content = base64.b64encode(path.encode()).decode()
        body = {"message": f"Add {path}", "content": content, "branch": branch}
        made = alice.put(f"{REPO}/contents/{path}", json=body)
        assert made.status_code == 201, made.text

    def open_pulls(numbers: range) -> None:
        for number in numbers:
            assert alice.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/b{number}", "sha": main}).status_code == 201
            write(f"of-{number}.txt", f"b{number}")
            body = {"title": f"Number {number}", "head": f"b{number}", "base": "main"}
            assert alice.post(f"{REPO}/pulls", json=body).status_code == 201

    def cost(name: str) -> int:
        write(f"before-{name}.txt", "main")  # those that were tried are marked to be tried again: once
        hub.settle()
        writer = hub.hub.db.writer.connection
        writer.set_progress_handler(step, 100)
        steps[0] = 0
        write(f"{name}.txt", "main")
        hub.settle()
        writer.set_progress_handler(None, 0)
        return steps[0]

    open_pulls(range(10))
    few = cost("few")
    open_pulls(range(10, 80))
    many = cost("many")
    assert many <= few + 5, (few, many)
