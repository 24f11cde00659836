"""Every call that localhub serves and every webhook that it sends agree with GitHub's description of them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from localhub.events import WEBHOOKS, Event
from tests.localhub.contract import table
from tests.localhub.contract.catalogue import NEW, OLD
from tests.localhub.contract.graphqldocs import our_schema, roots
from tests.localhub.contract.routes import UNDOCUMENTED, implemented, undocumented
from tests.localhub.contract.session import IN_BOTH_VERSIONS, SCENARIOS

pytestmark = pytest.mark.xdist_group("contract")


@pytest.mark.parametrize("name", sorted([*SCENARIOS, *(f"{each} {NEW}" for each in IN_BOTH_VERSIONS)]))
def test_it_plays(name: str, played: Any) -> None:
    if name in played.failures:
        raise played.failures[name]


def test_nothing_disagrees_with_github(played: Any) -> None:
    assert played.ledger.breaches() == []


def test_every_operation_was_sent_and_agreed(played: Any) -> None:
    proofs = played.ledger.operations
    absent = {each for each, operation in implemented().items() if not proofs[each].validated(operation)}
    assert absent == set()


def test_every_read_agrees_in_the_newer_version_too(played: Any) -> None:
    reads = {each: operation for each, operation in implemented().items() if operation.method == "GET"}
    proofs = played.ledger.operations
    told = [
        each
        for each, one in reads.items()
        if 200 in proofs[each].statuses[OLD] and not proofs[each].validated(one, NEW)
    ]
    assert told == []


def test_every_webhook_was_provoked(played: Any) -> None:
    assert played.ledger.missing_webhooks() == set()


def test_every_query_and_mutation_was_executed(played: Any) -> None:
    assert roots(our_schema()) - played.ledger.documents.proved == set()


def test_no_route_is_forgotten() -> None:
    """A new route is GitHub's operation, or has a reason to be there."""
    assert undocumented() == set(UNDOCUMENTED)


def test_the_page_says_what_was_proved(played: Any) -> None:
    now = table.render(played.ledger)
    if os.environ.get("CONTRACT") == "write":
        table.PATH.write_text(now)
    committed = table.PATH.read_text()
    assert table.backwards(committed, now) == [], "these were validated and are not any more"
    assert committed == now, "localhub/CONTRACT.md is out of date: make contract"


def test_errors_know_the_pages_of_their_operations() -> None:
    now = table.pages()
    if os.environ.get("CONTRACT") == "write":
        table.PAGES.write_text(now)
    assert table.PAGES.read_text() == now, "localhub/documented.json is out of date: make contract"


def test_a_webhook_of_no_name_is_refused(hub: Any) -> None:
    for name, action in (("issues", "shouted"), ("shout", None)):
        assert action not in WEBHOOKS.get(name, ())
        with hub.hub.tx(), pytest.raises(ValueError, match="unknown webhook"):
            hub.hub.emit(Event(name, action, 1, 1))


def test_versions_differ_as_github_tells(hub: Any) -> None:
    alice = hub.client("alice")
    alice.post("/repos/alice/sample/issues", json={"title": "One", "assignees": ["bob"]})

    def keys(path: str, version: str) -> set[str]:
        answer = alice.get(path, headers={"X-GitHub-Api-Version": version})
        assert answer.headers["X-GitHub-Api-Version-Selected"] == version
        return set(answer.json())

    for path, dropped in (
        ("/repos/alice/sample/issues/1", {"assignee"}), ("/repos/alice/sample", {"has_downloads"}),
        ("/rate_limit", {"rate"}), ("/", {"authorizations_url", "hub_url"}),
    ):  # fmt: skip
        assert keys(path, OLD) - keys(path, NEW) == dropped
    events = alice.get("/repos/alice/sample/issues/1/events", headers={"X-GitHub-Api-Version": NEW}).json()
    assert [each["assignee"]["login"] for each in events if each["event"] == "assigned"] == ["bob"]
    unknown = alice.get("/user", headers={"X-GitHub-Api-Version": "2020-01-01"})
    assert (unknown.status_code, "2020-01-01" in unknown.json()["message"]) == (400, True)
    del alice.headers["X-GitHub-Api-Version"]
    assert alice.get("/user").headers["X-GitHub-Api-Version-Selected"] == OLD
