"""What GitHub may answer instead of what was asked for."""

from __future__ import annotations


class GitHubError(Exception):
    """An answer that is not the one we asked for."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NotFound(GitHubError):
    """404 or 410: not there, or not to be seen by this app."""


class Refused(GitHubError):
    """GitHub understood and said no (403, 405, 409, 422); asking the same again will not help."""


class Limited(GitHubError):
    """A limit of GitHub's, or our own bucket before it; come back after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float, status: int = 0) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after


class Suspended(GitHubError):
    """The installation is suspended or gone, or the app's key is not accepted."""


class Unreachable(GitHubError):
    """No answer, or a server error: the effect may or may not have happened."""
