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

    def cost() -> dict[str, int]:
        steps = [0]

        def step() -> int:
            steps[0] += 1
            return 0

        found = {}
        for path in paths:
            assert page(f"/alice/sample{path}").status_code == 200
            readers = list(hub.hub.db._readers)
            for connection in readers:
                connection.set_progress_handler(step, 100)
            steps[0] = 0
            page(f"/alice/sample{path}")
            found[path] = steps[0]
            for connection in readers:
                connection.set_progress_handler(None, 0)
        return found

    more(60)
    few = cost()
    more(640)
    many = cost()
    client.close()
    assert {path: (few[path], many[path]) for path in paths if many[path] > 2 * few[path] + 80} == {}
