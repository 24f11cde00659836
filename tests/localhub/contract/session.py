"""Clients whose every call is judged, and the ledger of what was proved by them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from localhub.events import FREE_ACTIONS, WEBHOOKS
from tests.localhub.contract import judge
from tests.localhub.contract.catalogue import NEW, OLD, Operation
from tests.localhub.contract.graphqldocs import Documents
from tests.localhub.contract.routes import implemented, route_of
from tests.localhub.world import World, plain_client

API = "/api/v3"
VERSION = "X-GitHub-Api-Version"
RELAXED = {
    "points": 10**6, "graphql_points": 10**6, "primary": 10**6, "creations_minute": 10**6, "creations_hour": 10**6,
    "search": 10**6, "graphql": 10**6, "search_lag_seconds": 0, "mergeable_lag_seconds": 0,
    "cpu_seconds": 10**6, "graphql_cpu_seconds": 10**6,
}  # fmt: skip


@dataclass
class Proof:
    """What was seen of one operation."""

    statuses: dict[str, set[int]] = field(default_factory=lambda: {OLD: set(), NEW: set()})
    """Of each version: what answers agreed with GitHub's description, and were not empty lists."""
    breaches: list[str] = field(default_factory=list)

    def validated(self, operation: Operation, version: str = OLD) -> bool:
        return bool(self.statuses[version] & operation.successes(version))


class Ledger:
    """Everything that the suite saw."""

    def __init__(self) -> None:
        self.operations: dict[str, Proof] = defaultdict(Proof)
        self.webhooks: dict[tuple[str, str | None], list[str]] = {}
        """Each webhook that came, with what was wrong with it."""
        self.documents = Documents()
        self.strays: list[str] = []
        """Calls to no known route."""

    def saw(self, response: httpx.Response) -> None:
        request = response.request
        path = request.url.path
        if not path.startswith(API + "/") or path == f"{API}/graphql":
            if path.endswith("/graphql"):
                self.documents.saw(request, response)
            return
        route = route_of(request.method, path.removeprefix(API))
        if route is None:
            self.strays.append(f"{request.method} {path}")
        elif route.operation is not None:
            self._judge(route.operation, response)

    def _judge(self, operation: Operation, response: httpx.Response) -> None:
        version = response.request.headers.get(VERSION, OLD)
        proof = self.operations[operation.id]
        wrong = judge.answer(operation, response, version)
        if wrong:
            about = f"{operation.id}, {version}, {response.status_code}"
            proof.breaches += [each for text in wrong if (each := f"{about}: {text}") not in proof.breaches]
        elif response.status_code == 304 or not judge.is_empty(response):
            proof.statuses[version].add(response.status_code)

    def heard(self, world: World) -> None:
        """Judge the webhooks that came so far."""
        for delivery in world.hooks.deliveries:
            action = None if delivery.event in FREE_ACTIONS else delivery.action
            wrong = self.webhooks.setdefault((delivery.event, action), [])
            wrong += [text for text in judge.webhook(delivery) if text not in wrong]

    def missing_webhooks(self) -> set[tuple[str, str | None]]:
        return vocabulary() - set(self.webhooks)

    def breaches(self) -> list[str]:
        """All that disagrees with GitHub, in one list."""
        found = [text for proof in self.operations.values() for text in proof.breaches]
        found += [
            f"webhook {event}.{action}: {text}" for (event, action), all_ in self.webhooks.items() for text in all_
        ]
        return sorted(set(found)) + [f"no route: {each}" for each in self.strays] + self.documents.breaches()


def vocabulary() -> set[tuple[str, str | None]]:
    """Every webhook that localhub may send; `ping` is no event but what a new hook is greeted with."""
    return {(event, action) for event, actions in WEBHOOKS.items() for action in actions} | {("ping", None)}


class Session:
    """A world and people in it, in one scenario."""

    def __init__(self, world: World, ledger: Ledger, probed: set[str], version: str = OLD) -> None:
        self.world, self.ledger, self._probed, self._version = world, ledger, probed, version
        self._raw = plain_client()
        world.admin("/limits", RELAXED)
        self.narrow = world.bot_token({"metadata": "read"})
        self.alice, self.bob, self.carol = (self.person(login) for login in ("alice", "bob", "carol"))
        self.owner = self.person("octo-owner")
        self.bot, self.app = self.judged(world.bot()), self.judged(world.app())

    def person(self, login: str | None) -> httpx.Client:
        return self.judged(self.world.client(login))

    def judged(self, client: httpx.Client) -> httpx.Client:
        client.headers[VERSION] = self._version
        client.event_hooks = {"request": [self._probe], "response": [self._response]}
        return client

    def settle(self) -> None:
        """Long enough for a busy machine to run a workflow file."""
        self.world.settle(timeout=120)

    def close(self) -> None:
        self.settle()
        self.ledger.heard(self.world)
        self._raw.close()

    def _send(self, request: httpx.Request, **headers: str | None) -> httpx.Response:
        """The same request with other headers (None takes one away), judged, and not probed further."""
        return self._resend(request, request.content, headers)

    def _resend(
        self, request: httpx.Request, content: bytes, headers: dict[str, str | None], url: httpx.URL | None = None
    ) -> httpx.Response:
        changed = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        kept = {k: v for k, v in request.headers.items() if k not in changed and k not in ("content-length", "host")}
        sent = kept | {k: v for k, v in changed.items() if v is not None}
        response = self._raw.request(request.method, url or request.url, content=content, headers=sent)
        self.ledger.saw(response)
        return response

    def _probe(self, request: httpx.Request) -> None:
        """Before the first call of each operation: the same by those who may not, and with bodies that cannot be."""
        route = route_of(request.method, request.url.path.removeprefix(API))
        operation = route.operation if route else None
        if operation is None or operation.id in self._probed:
            return
        self._probed.add(operation.id)
        wrong = self.ledger.operations[operation.id].breaches
        for name, answer, allowed in self._refusals(operation, request):
            if answer.status_code not in allowed:
                about = f"{request.method} {request.url.path}"
                wrong.append(f"{about}: {name} is answered {answer.status_code}, not {allowed}: {answer.text[:100]}")

    def _refusals(self, operation: Operation, request: httpx.Request) -> list[tuple[str, httpx.Response, set[int]]]:
        request.read()
        found = [("a bad token", self._send(request, authorization="Bearer ghp_wrong"), {401})]
        for name, url in _elsewhere(request, operation):
            found.append((name, self._resend(request, request.content, {}, url), {404, 410, 422}))
        if "/repos/alice/sample" in request.url.path:
            mallory = f"Bearer {self.world.pat('mallory')}"
            found.append(("a stranger", self._send(request, authorization=mallory), {401, 403, 404}))
            narrow = self._send(request, authorization=f"Bearer {self.narrow}")
            may = {401, 403, 404} | ({200, 204, 302} if request.method == "GET" else set())
            found.append(("an app without permissions", narrow, may))
        model = operation.models(OLD).request
        if model is not None and request.content:
            json_type: dict[str, str | None] = {"content-type": "application/json"}
            found.append(("half a body", self._resend(request, b'{"a": ', json_type), {400}))
            if _demands_fields(model):
                found.append(("an empty body", self._resend(request, b"{}", json_type), {422}))
        return found

    def _response(self, response: httpx.Response) -> None:
        response.read()
        self.ledger.saw(response)
        request = response.request
        route = route_of(request.method, request.url.path.removeprefix(API))
        if self._version == NEW or request.method != "GET" or response.status_code >= 400:
            return
        if route is None or route.operation is None:
            return
        self._send(request, **{VERSION: NEW})
        if response.status_code != 200:
            return
        again = self._send(request, if_none_match=response.headers.get("ETag", "none"))
        changed = again.headers.get("ETag") != response.headers.get("ETag")
        if (
            again.status_code != 304
            and not changed
            and response.headers.get("Content-Type", "").startswith("application/json")
        ):
            about = f"GET {request.url.path}"
            self.ledger.operations[route.operation.id].breaches.append(f"{about}: no 304 for its own ETag")
        breaches = self.ledger.operations[route.operation.id].breaches
        if self._first("pages", route.operation, when=route.operation.paged and len(judge.items(response)) > 1):
            breaches += self._pages(route.operation, response)
        if self._first("address", route.operation, when=not judge.is_empty(response)):
            breaches += self._own_address(response)

    def _first(self, what: str, operation: Operation, *, when: bool) -> bool:
        """Whether to try this now: once an operation is enough."""
        name = f"{what} of {operation.id}"
        if not when or name in self._probed:
            return False
        self._probed.add(name)
        return True

    def _pages(self, operation: Operation, response: httpx.Response) -> list[str]:
        """A list that GitHub cuts into pages comes in pages of one too, with the address of the next."""
        found = judge.items(response)
        first = self._resend(response.request, b"", {}, response.request.url.copy_merge_params({"per_page": "1"}))
        if _names(judge.items(first)) != _names(found[:1]) or "next" not in first.links:
            return [f"{operation.id}: per_page=1 gives {len(judge.items(first))} items and links {sorted(first.links)}"]
        second = self._resend(response.request, b"", {}, httpx.URL(first.links["next"]["url"]))
        return (
            []
            if _names(judge.items(second)) == _names(found[1:2])
            else [f"{operation.id}: the second page is not the second item"]
        )

    def _own_address(self, response: httpx.Response) -> list[str]:
        """The `url` of what was answered leads to it."""
        found = [*judge.items(response), *judge.objects(response)][:1]
        address = str(found[0].get("url", "")) if found and isinstance(found[0], dict) else ""
        if "/api/v3/" not in address or "{" in address:
            return []
        again = self._resend(response.request, b"", {}, httpx.URL(address))
        return [] if again.status_code == 200 else [f"{address} answers {again.status_code}"]


def _names(found: list[Any]) -> list[Any]:
    """What stays the same of items that may change from one moment to the next, as runs do."""
    return [each.get("id", each) if isinstance(each, dict) else each for each in found]


def _elsewhere(request: httpx.Request, operation: Operation) -> Iterator[tuple[str, httpx.URL]]:
    """The same address with a repository, and with a number, that is not there."""
    path = request.url.path
    if "/repos/alice/sample" in path:
        yield "another repository", request.url.copy_with(path=path.replace("alice/sample", "alice/nothing"))
    parts = path.split("/")
    numbers = [place for place, part in enumerate(parts) if part.isdigit()]
    if numbers:
        parts[numbers[-1]] = "987654321"
        yield "another number", request.url.copy_with(path="/".join(parts))


def _demands_fields(model: Any) -> bool:
    return bool(model.json_schema().get("required"))


IN_BOTH_VERSIONS = (
    "the_life_of_an_issue", "labels_and_assignees", "a_tree_of_issues", "issues_that_wait", "the_life_of_a_pull_request",
    "the_life_of_a_repository", "collaborators", "forks", "check_suites", "an_app_and_its_tokens",
)  # fmt: skip
"""Those that write what the versions answer differently; reads are sent in both everywhere."""
Scenario = Callable[[Session], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(play: Scenario) -> Scenario:
    """Register a scenario by its name."""
    assert play.__name__ not in SCENARIOS
    SCENARIOS[play.__name__] = play
    return play


def play_all(world: World, only: str = "") -> tuple[Ledger, dict[str, BaseException]]:
    """Play every scenario in a fresh world; the ledger and what went wrong on the way."""
    ledger, failures, probed = Ledger(), {}, set[str]()
    plays = [(name, play, OLD) for name, play in SCENARIOS.items()]
    plays += [(f"{name} {NEW}", SCENARIOS[name], NEW) for name in IN_BOTH_VERSIONS]
    for name, play, version in plays:
        if only not in name:
            continue
        session = Session(world, ledger, probed, version)
        try:
            play(session)
        except Exception as error:  # noqa: BLE001 - each scenario's test raises its own
            failures[name] = error
        finally:
            session.close()
        world.reset()
    for each in implemented():
        ledger.operations[each]
    return ledger, failures


def body(response: httpx.Response, status: int | None = None) -> Any:
    """The JSON of an answer that must be good."""
    expected = response.status_code == status if status else response.is_success
    assert expected, f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
    return json.loads(response.content) if response.content else None
