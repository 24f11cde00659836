"""Where a Markdown file lies in its repository: what its relative links and pictures mean."""

from __future__ import annotations

import base64
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from localhub.gitstore import GitRepo

LARGEST = 300_000  # bytes of a picture that goes into the page itself
_KINDS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "svg": "image/svg+xml", "ico": "image/x-icon", "avif": "image/avif",
}  # fmt: skip


def picture(path: str, content: bytes) -> str | None:
    """A picture as a data: address, in which nothing of it can run; None for other files and large ones."""
    kind = _KINDS.get(path.rpartition(".")[2].lower())
    if kind is None or len(content) > LARGEST:
        return None
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@dataclass(frozen=True)
class Place:
    """`base` is the address of the commit's root folder, `folder` where in it the file lies."""

    git: GitRepo
    sha: str
    base: str
    folder: str

    def link(self, href: str) -> str | None:
        """Where a link leads: a part of this page, another site, a file of the repository; None for nowhere."""
        parts = urlsplit(href)
        if href.startswith("#"):
            return f"#user-content-{parts.fragment}"
        if parts.scheme or parts.netloc:
            return href
        path = self._path(parts.path)
        fragment = f"#{quote(parts.fragment)}" if parts.fragment else ""
        return None if path is None else f"{self.base}/{quote(path)}{fragment}" if path else self._root()

    def picture(self, src: str) -> str | None:
        """A file of the repository as a data: address; None for anything else: no page fetches from elsewhere."""
        parts = urlsplit(src)
        path = None if parts.scheme or parts.netloc else self._path(parts.path)
        content = self.git.read(self.sha, path) if path else None
        return picture(path, content) if path and content is not None else None

    def _root(self) -> str:
        return self.base.replace("/blob/", "/tree/", 1)

    def _path(self, path: str) -> str | None:
        """From the repository's root; None when it leads out of it."""
        whole = posixpath.normpath(posixpath.join("/" if path.startswith("/") else self.folder, unquote(path)))
        whole = whole.lstrip("/")
        if whole.startswith(".."):
            return None
        return "" if whole == "." else whole
