"""What a page costs does not grow with the repository."""

from __future__ import annotations

from typing import Any

import httpx

REPO = "/repos/alice/sample"


def test_a_page_costs_the_same_however_many_issues_there_are(hub: Any) -> None:
    """By the steps that SQLite takes, in hundreds: those of counting, which stops at a limit, are allowed."""
    hub.admin("/limits", {"enforced": False})
    paths = ("", "/issues", "/issues/1", "/issues/new", "/pulls", "/labels", "/branches", "/actions")

    client = httpx.Client(base_url=hub.url, headers={"Accept": "text/html"}, timeout=60, trust_env=False)
    client.post("/login", data={"login": "alice"})
    page = client.get

    def more(count: int) -> None:
        bob = hub.client("bob")
        for number in range(count):
            made = bob.post(f"{REPO}/issues", json={"title": f"Issue {number}", "labels": ["bug"]})
            assert made.status_code == 201

    steps = [0]
    counted: list[Any] = []

    def step() -> int:
        steps[0] += 1
        return 0

    def count(connections: list[Any], handler: Any) -> None:
        """Only while nobody reads: SQLite's lock and Python's would wait for each other."""
        hub.settle()
        for connection in connections:
            connection.set_progress_handler(handler, 100)

    def cost() -> dict[str, int]:
        found = {}
        for path in paths:
            assert page(f"/alice/sample{path}").status_code == 200
            count([each for each in hub.hub.db._readers if each not in counted], step)
            counted[:] = hub.hub.db._readers
            steps[0] = 0
            page(f"/alice/sample{path}")
            found[path] = steps[0]
        return found

    try:
        more(60)
        few = cost()
        count(counted, None)
        counted.clear()
        more(640)
        many = cost()
    finally:
        count(counted, None)
        client.close()
    assert {path: (few[path], many[path]) for path in paths if many[path] > 2 * few[path] + 80} == {}
