"""Prompts are Markdown files with `{{name}}` for what the caller fills in; nothing may be missing or left over."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from worker.messages import Prompt
from worker.task import Brief

FOLDER = Path(__file__).parent
VARIABLE = re.compile(r"\{\{([a-z_]+)\}\}")


class PromptMismatch(Exception):
    """A variable is missing, or was given and is not used."""


class Rendered(NamedTuple):
    """A prompt, filled in. `version` is NAME@HASH of the file, whatever was filled in."""

    text: str
    version: str


def render(name: str, folder: Path = FOLDER, /, **variables: str) -> Rendered:
    """Fill in `folder`/`name`.md."""
    template = (folder / f"{name}.md").read_text(encoding="utf-8")
    wanted = set(VARIABLE.findall(template))
    if wanted != set(variables):
        missing, unused = sorted(wanted - set(variables)), sorted(set(variables) - wanted)
        raise PromptMismatch(f"{name}.md: missing {missing}, unused {unused}")
    version = f"{name}@{hashlib.sha256(template.encode()).hexdigest()[:10]}"
    return Rendered(VARIABLE.sub(lambda found: variables[found[1]], template).strip() + "\n", version)


def for_brief(brief: Brief) -> Prompt:
    """What an attempt starts with. The message ends with one fenced block, ```json brief, that holds the brief.

    JSON has no line that starts with a fence, whatever the strings in it hold: so the block cannot be broken out of.
    """
    rendered = render(brief.role)
    lead = f"Attempt {brief.attempt}. Your brief:"
    return Prompt(rendered.text, f"{lead}\n\n```json brief\n{brief.model_dump_json(indent=1)}\n```", rendered.version)
