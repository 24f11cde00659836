"""What an endpoint says before it reads the body: GitHub looks at credentials first, and only then at what was sent.

Each endpoint knows by itself which permission it wants, and asks for it before anything else. So when a body has the
wrong shape, the endpoint is called all the same, with a body that nobody can read: it refuses as it would refuse
anyone, or it begins to read, and nothing has happened yet.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute


class _Reads(Exception):
    """The endpoint has let the request in."""


class _Unread:
    """A body of which nothing can be seen."""

    def _reads(self, *_: object) -> NoReturn:
        raise _Reads

    __getattribute__ = __getitem__ = __contains__ = __eq__ = _reads
    __bool__ = __iter__ = __len__ = __str__ = __repr__ = __hash__ = _reads


def let_in(request: Request) -> None:
    """GitHubError when the endpoint of this request refuses whoever asks, whatever is sent."""
    route: Any = request.scope.get("route")
    if type(route) is not APIRoute or request.url.path.startswith("/_localhub"):
        return
    plan = route.dependant
    if len(plan.body_params) != 1 or type(plan.body_params[0].field_info).__name__ != "Body" or plan.dependencies:
        return
    given: dict[str, Any] = {plan.body_params[0].name: _Unread()}
    for field in plan.path_params:
        given[field.name], wrong = field.validate(request.path_params[field.alias], {}, loc=("path", field.alias))
        if wrong:
            return
    if plan.request_param_name:
        given[plan.request_param_name] = request
    try:
        route.endpoint(**given)
    except _Reads:
        return
    raise AssertionError(f"{route.path} takes a body and does not read it")
