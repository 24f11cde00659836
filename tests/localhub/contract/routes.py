"""The REST routes that localhub serves, read from the application itself, and the GitHub operation that each one is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi.routing import APIRoute

from localhub.app import ROUTERS
from localhub.hub import Hub
from localhub.kinds import classify
from tests.localhub.contract.catalogue import Operation, anonymous, by_key

UNDOCUMENTED = {
    **{
        f"{method} /repositories/{{}}{{}}": "a repository by its number, to which those of renamed repositories are redirected"
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    "GET /repositories/{}/installation": "the same, for an App that keeps numbers",
    "GET /repos/{}/{}/contents": "the root folder: GitHub documents it as an empty `path`",
    "GET /repos/{}/{}/git/refs": "all refs: documented until 2019 and still there",
    "GET /repos/{}/{}/git/refs/{}": "one ref or those that start so: documented until 2019 and still there",
    "GET /repos/{}/{}/tarball": "the default branch: GitHub documents it as an empty `ref`",
    "GET /repos/{}/{}/zipball": "the same",
    "POST /repos/{}/{}/hooks/{}/test": "the older name of `tests`, which octokit still calls",
    "GET /repos/{}/{}/statuses/{}": "statuses of a ref by the older path, to which `statuses_url` points",
}
"""Routes under the API's roots that GitHub's description does not have, and why localhub has them."""


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    pattern: re.Pattern[str]

    @property
    def key(self) -> str:
        return f"{self.method} {anonymous(self.template)}"

    @property
    def operation(self) -> Operation | None:
        return by_key().get(self.key)


@cache
def api_routes() -> tuple[Route, ...]:
    """In the order in which the application tries them; GraphQL, git, pages and `/_localhub` are not the REST API."""
    with TemporaryDirectory() as folder:
        hub = Hub(Path(folder))
        served = [route for make in ROUTERS for route in make(hub).routes]
        hub.close()
    return tuple(
        Route(method, route.path, route.path_regex)
        for route in served
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
        if _is_rest(route.endpoint.__module__, method, route.path)
    )


def _is_rest(module: str, method: str, path: str) -> bool:
    """By its address, or because GitHub's REST API has it: `/api/v3` serves what no root names as well."""
    known = module.startswith("localhub.rest") and f"{method} {anonymous(path)}" in by_key()
    return known or (classify(path, "") == "api" and not module.startswith("localhub.pages"))


def route_of(method: str, path: str) -> Route | None:
    """Which route answers a request, as the application decides it."""
    return next((each for each in api_routes() if each.method == method and each.pattern.match(path)), None)


def implemented() -> dict[str, Operation]:
    """Every GitHub operation that has a route, by its id."""
    found = (each.operation for each in api_routes())
    return {one.id: one for one in found if one is not None}


def undocumented() -> set[str]:
    return {each.key for each in api_routes() if each.operation is None}
