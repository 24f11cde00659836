"""What GitHub says to those who pass a limit."""

from __future__ import annotations

from localhub.auth import Actor
from localhub.context import get_context
from localhub.errors import GitHubError

RATE_DOCS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
SECONDARY_DOCS = f"{RATE_DOCS}#about-secondary-rate-limits"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
CREATION = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later."  # noqa: E501


def exceeded(actor: Actor) -> str:
    """GitHub's sentence for a primary limit that is used up."""
    if actor.kind == "anonymous":
        return (
            f"API rate limit exceeded for {actor.address}. (But here's the good news: Authenticated requests get a"
            " higher rate limit. Check out the documentation for more details.)"
        )
    context = get_context()
    number = actor.installation_id if actor.kind == "installation" else actor.account_id
    who = f"{'installation' if actor.kind == 'installation' else 'user'} ID {number}"
    support = "If you reach out to GitHub Support for help, please include the request ID"
    return f"API rate limit exceeded for {who}. {support} {context.request_id if context else ''}."


def denied(message: str, seconds: float) -> GitHubError:
    return GitHubError(
        403, message, documentation_url=SECONDARY_DOCS, headers={"Retry-After": str(max(1, int(seconds)))}
    )
