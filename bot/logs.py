"""The part of a CI log that a worker needs: around the first error of the failing step, without noise. Pure."""

from __future__ import annotations

import re

LIMIT = 6_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TIME = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?", re.MULTILINE)
_ERROR = re.compile(
    r"##\[error\]|^Traceback \(most recent call last\)|^(?:FAIL|ERROR|FAILED|E  )\b|\b\w*(?:Error|Exception)\b:"
    r"|\berror(?:\[\w+\])?:|\bfatal:|AssertionError|\bnot ok\b|^--- FAIL|panicked at",
    re.MULTILINE,
)
_SECRETS = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|(?i:authorization:\s*\w+\s+)\S+|(?i:(?:password|secret|token)=)[^\s&]{6,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


def excerpt(log: str, limit: int = LIMIT) -> str:
    """At most `limit` characters: the first error with what surrounds it, and the end."""
    text = clean(log)
    text = _failing_step(text)
    if len(text) <= limit:
        return text
    tail_room = limit // 3
    first = _ERROR.search(text)
    start = 0 if first is None else max(0, text.rfind("\n", 0, max(0, first.start() - 800)) + 1)
    if start + limit >= len(text):
        return text[-limit:]
    head = text[start : start + limit - tail_room - 60]
    tail = text[-tail_room:]
    return f"{head}\n[… {len(text) - start - len(head) - len(tail)} characters left out …]\n{tail}"


def clean(log: str) -> str:
    """Without colours, time stamps and secrets."""
    text = _ANSI.sub("", log.replace("\r\n", "\n").replace("\r", "\n"))
    return mask(_TIME.sub("", text)).strip()


def mask(text: str) -> str:
    """Anything that looks like a credential becomes ***."""
    return _SECRETS.sub("***", text)


def _failing_step(text: str) -> str:
    """From the start of the step (Actions prints `##[group]Run …`) that holds the first `##[error]`, to that error."""
    error = text.find("##[error]")
    if error < 0:
        return text
    start = text.rfind("##[group]Run ", 0, error)
    end = text.find("\n##[group]", error)
    return text[max(start, 0) : end if end > 0 else len(text)].strip()
