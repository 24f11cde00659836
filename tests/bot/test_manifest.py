"""`app.yml` says exactly what the code listens to and asks for."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from bot import webhooks

ROOT = Path(__file__).parents[2]
UNASKED = {"installation", "installation_repositories", "ping"}
"""events that GitHub sends every App"""


def test_the_manifest_subscribes_to_what_the_door_knows() -> None:
    manifest = yaml.safe_load((ROOT / "app.yml").read_text())
    assert set(manifest["default_events"]) == webhooks.KNOWN - UNASKED


def test_no_permission_is_asked_for_that_nothing_uses() -> None:
    manifest = yaml.safe_load((ROOT / "app.yml").read_text())
    asked = manifest["default_permissions"]
    assert "administration" not in asked
    assert "workflows" not in asked
    assert {name for name, level in asked.items() if level == "write"} == {
        "actions", "contents", "issues", "pull_requests",
    }  # fmt: skip


def test_the_design_page_names_every_dependency() -> None:
    """ARCHITECTURE.md says of each package why it is there."""
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    names = {m.group(1).lower() for m in re.finditer(r'^  "([A-Za-z0-9_-]+)', section, re.M)}
    names -= {"types-pyyaml", "types-pygments"}
    said = (ROOT / "ARCHITECTURE.md").read_text().lower()
    assert not {n for n in names if n not in said}


def test_nothing_in_the_tree_names_an_index_host() -> None:
    locks = "".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt"))
    assert "--index-url" not in locks
    assert "http" not in re.sub(r"(?i)httpx?2?|httptools|httpcore2?|requests", "", locks)
