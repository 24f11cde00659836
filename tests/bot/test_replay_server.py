"""The replay model's protocol: what it refuses, and streams."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import TypeAdapter

from bot.demo.replay.partition import Replay
from bot.demo.replay.script import Script
from bot.demo.replay.trees import Entry
from planner.plan import Plan
from tests.bot.replaying import READING, TOOLS, serving


def text(lines: int, seed: str) -> Entry:
    return Entry("100644", "".join(f"{seed} {n}\n" for n in range(lines)).encode())


def test_what_is_not_understood_is_400_with_the_reason() -> None:
    tree = {"a": text(3, "a")}
    message = "Hi.\n```json\n{}\n```"
    with serving(Replay({}, tree, Script())) as client:
        for say, wanted in (
            ("hello", "must end with one fenced"),
            (message, "role is None"),
            (message.replace("{}", '{"role": "planner", "goal": {"title": "x"}}'), "must declare these tools"),
        ):
            with pytest.raises(openai.BadRequestError, match=wanted):
                client.responses.create(model="replay", input=say)
            with pytest.raises(openai.BadRequestError, match=wanted):
                client.chat.completions.create(model="replay", messages=[{"role": "user", "content": say}])
        with pytest.raises(openai.BadRequestError, match="only functions"):
            client.responses.create(model="replay", input=message, tools=[{"type": "web_search"}])
        with pytest.raises(openai.NotFoundError):
            client.embeddings.create(model="replay", input="x")
        assert [m.id for m in client.models.list()] == ["replay"]


def test_streams_say_the_same_as_whole_answers() -> None:
    told = {"role": "planner", "turn": 2, "goal": {"title": "x"}, "children": [], "news": []}
    message = f"In:\n```json\n{json.dumps(told)}\n```"
    tools: Any = [
        {"type": "function", "name": n, "parameters": TOOLS[n].model_json_schema(), "strict": False} for n in READING
    ]
    chat_tools: Any = [{"type": "function", "function": {k: v for k, v in t.items() if k != "type"}} for t in tools]
    messages: Any = [{"role": "user", "content": message}]
    with serving(Replay({}, {"a": text(3, "a")}, Script())) as client:
        whole = client.responses.create(model="replay", input=message, tools=tools)
        with client.responses.stream(model="replay", input=message, tools=tools) as stream:
            streamed = stream.get_final_response()
        assert streamed.output_text == whole.output_text
        TypeAdapter(Plan).validate_json(whole.output_text)
        chat = client.chat.completions.create(model="replay", messages=messages, tools=chat_tools)
        assert chat.choices[0].message.content == whole.output_text
        with client.chat.completions.stream(model="replay", messages=messages, tools=chat_tools) as chunks:
            assert chunks.get_final_completion().choices[0].message.content == whole.output_text
        first = json.dumps({**told, "turn": 1})
        asked = client.responses.create(model="replay", input=f"In:\n```json\n{first}\n```", tools=tools)
        assert [item.type for item in asked.output] == ["function_call"]
        with client.responses.stream(model="replay", input=f"In:\n```json\n{first}\n```", tools=tools) as stream:
            got = stream.get_final_response().output[0]
            assert got.type == "function_call"
            assert got.arguments == '{"path": "."}'
