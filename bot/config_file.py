"""`.github/branchwork.yml` as a `RepoConfig`, or one sentence per mistake. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from planner.policy import RepoConfig

PATH = ".github/branchwork.yml"


def read(text: str, labels: Sequence[str] = ()) -> RepoConfig | tuple[str, ...]:
    """The configuration, with the profile that a `<label>-profile:<name>` among `labels` chooses; or what is wrong."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return (_yaml_problem(error),)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        return (f"{PATH}, line 1: expected fields like `label: branchwork`, found {_found(data)}.",)
    try:
        config = RepoConfig.model_validate(data)
    except ValidationError as error:
        problems = [_problem(one, node, data) for one in error.errors(include_url=False)]
        return tuple(dict.fromkeys(problems))
    if unkept := _not_yet(config, node):
        return unkept
    chosen = [
        name.removeprefix(f"{config.label}-profile:") for name in labels if name.startswith(f"{config.label}-profile:")
    ]
    if len(chosen) > 1:
        return (f"The issue has several profile labels ({', '.join(chosen)}); leave one.",)
    if chosen and chosen[0] not in config.profiles:
        known = ", ".join(sorted(config.profiles)) or "none"
        return (f"{PATH}: the label chooses the profile {chosen[0]!r}, which is not there; known: {known}.",)
    return config.with_profile(chosen[0]) if chosen else config


def _not_yet(config: RepoConfig, node: yaml.Node | None) -> tuple[str, ...]:
    """Fields of the design that this version does not honour: refused, so that nobody relies on them."""
    asked: dict[tuple[str, ...], tuple[bool, str]] = {
        ("harness",): (config.harness != "builtin", "only `builtin` runs yet; leave it out"),
        ("network", "allow"): (bool(config.network.allow), "sandboxes have no network yet; leave it out"),
        ("commands", "setup"): (
            config.commands.setup is not None,
            "it is not run yet; give the service a folder of tools with BRANCHWORK_TOOLCHAIN and leave it out",
        ),
        ("limits", "ci_minutes"): ("ci_minutes" in config.limits.model_fields_set, "not counted yet; leave it out"),
        ("limits", "open_prs"): ("open_prs" in config.limits.model_fields_set, "not counted yet; leave it out"),
    }
    found = []
    for path, (used, words) in asked.items():
        if used:
            line = _line(node, path)
            where = f"{PATH}, line {line}, `{'.'.join(path)}`" if line else f"{PATH}, `{'.'.join(path)}`"
            found.append(f"{where}: {words}.")
    return tuple(found)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{PATH}{where}: this is not valid YAML: {getattr(error, 'problem', None) or error}."


def _problem(error: Any, node: yaml.Node | None, data: Mapping[str, Any]) -> str:
    path = [part for part in error["loc"] if not (isinstance(part, str) and _is_branch(part, error["loc"], data))]
    field = ".".join(str(part) for part in path)
    line = _line(node, path)
    where = f"{PATH}, line {line}, `{field}`" if line else f"{PATH}, `{field}`"
    if error["type"] == "extra_forbidden":
        known = _fields(path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f" Did you mean `{close[0]}`?" if close else ""
        return f"{where}: there is no such field.{hint} Known here: {', '.join(known)}."
    message = str(error["msg"]).removeprefix("Input should be ").rstrip(".")
    return f"{where}: found {_found(error.get('input'))}, accepted: {message}."


def _is_branch(part: str, loc: Sequence[object], data: Any) -> bool:
    """Whether a part of an error's path names an alternative of a union instead of a field."""
    here: Any = data
    for step in loc:
        if step is part or step == part:
            return not (isinstance(here, dict) and part in here) and not part.isidentifier()
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return False
    return False


def _line(node: yaml.Node | None, path: Sequence[object]) -> int | None:
    found: int | None = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return found
            found, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            found = node.start_mark.line + 1
        else:
            return found
    return found


def _fields(path: Sequence[object]) -> list[str]:
    """The field names of the model at a path of the configuration."""
    model: type[BaseModel] | None = RepoConfig
    for part in path:
        if model is None:
            return []
        field = model.model_fields.get(str(part))
        model = _model_of(field.annotation) if field is not None else model
    return sorted(model.model_fields) if model is not None else []


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is not None:
        return next((m for a in get_args(annotation) if (m := _model_of(a)) is not None), None)
    return None


def _found(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
