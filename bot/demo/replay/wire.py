"""OpenAI's Responses and Chat Completions APIs, as far as an agent uses them: requests in, answers out. No I/O.

Shapes: OpenAI's API reference, "Responses", "Streaming events" and "Chat completions".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from bot.demo.replay.conversation import Answer, Call, Conversation, NotUnderstood, ToolType, tokens

Json = dict[str, Any]


def read_responses(body: Json) -> Conversation:
    """A request of POST /v1/responses."""
    talk = Conversation(instructions=_text(body.get("instructions")))
    items = body.get("input")
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    if not isinstance(items, list):
        raise NotUnderstood("`input` must be a text or a list of items")
    for item in items:
        _responses_item(talk, item)
    for tool in body.get("tools") or []:
        if tool.get("type") != "function":
            raise NotUnderstood(f"tools of type {tool.get('type')!r} are not known here; only functions are")
        talk.tools[tool["name"]] = ToolType(tool["name"], tool.get("parameters") or {})
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        talk.schema = form.get("schema")
    elif form.get("type") not in (None, "text"):
        raise NotUnderstood(f"text.format of type {form.get('type')!r} is not known here")
    return _counted(talk, body)


def _responses_item(talk: Conversation, item: Json) -> None:
    match item.get("type", "message"):
        case "message":
            _said(talk, item.get("role"), _text(item.get("content")))
        case "function_call":
            _called(talk, item.get("call_id"), item.get("name"), item.get("arguments"))
        case "function_call_output":
            talk.results[str(item.get("call_id"))] = _text(item.get("output"))
        case "reasoning":
            pass
        case other:
            raise NotUnderstood(f"input items of type {other!r} are not known here")


def read_chat(body: Json) -> Conversation:
    """A request of POST /v1/chat/completions."""
    talk = Conversation()
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise NotUnderstood("`messages` must be a list with at least one message")
    for message in messages:
        role = message.get("role")
        if role == "tool":
            talk.results[str(message.get("tool_call_id"))] = _text(message.get("content"))
            continue
        _said(talk, role, _text(message.get("content")))
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            _called(talk, call.get("id"), function.get("name"), function.get("arguments"))
    for tool in body.get("tools") or []:
        if tool.get("type") != "function":
            raise NotUnderstood(f"tools of type {tool.get('type')!r} are not known here; only functions are")
        talk.tools[tool["function"]["name"]] = ToolType(
            tool["function"]["name"], tool["function"].get("parameters") or {}
        )
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        talk.schema = (form.get("json_schema") or {}).get("schema")
    elif form.get("type") not in (None, "text"):
        raise NotUnderstood(f"response_format of type {form.get('type')!r} is not known here")
    return _counted(talk, body)


def _said(talk: Conversation, role: object, text: str) -> None:
    match role:
        case "user":
            talk.said.append(text)
        case "system" | "developer":
            talk.instructions += text
        case "assistant":
            pass
        case _:
            raise NotUnderstood(f"a message of role {role!r} is not known here")


def _called(talk: Conversation, ident: object, name: object, arguments: object) -> None:
    try:
        value = json.loads(str(arguments))
    except ValueError as error:
        raise NotUnderstood(f"the arguments of the call {ident} are not JSON: {error}") from error
    talk.calls.append(Call(str(name), value, str(ident)))


def _text(content: object) -> str:
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            wrong = next((p for p in content if not isinstance(p, dict) or "text" not in p), None)
            if wrong is not None:
                raise NotUnderstood("content must be text; images, files and sound are not known here")
            return "".join(str(part["text"]) for part in content)
        case _:
            raise NotUnderstood("content must be a text or a list of text parts")


def _counted(talk: Conversation, body: Json) -> Conversation:
    """For usage: the whole request as text, and what of it came after the model's last answer."""
    items = body.get("input") if "input" in body else body.get("messages")
    rest = json.dumps([body.get("instructions"), body.get("tools"), body.get("text")], sort_keys=True)
    listed = items if isinstance(items, list) else [items]
    texts = [json.dumps(item, sort_keys=True) for item in listed]
    mine = [n for n, i in enumerate(listed) if isinstance(i, dict) and _from_model(i)]
    talk.text = rest + "".join(texts)
    talk.fresh = "".join(texts[mine[0] if len(mine) == 1 else mine[-1] :]) if mine else talk.text
    return talk


def _from_model(item: Json) -> bool:
    return item.get("role") == "assistant" or item.get("type") == "function_call"


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────


def usage(talk: Conversation, answer: Answer) -> tuple[int, int, int]:
    """(input, of it cached, output) tokens, counted from the texts: a repeated prefix counts as cached."""
    said = answer.text + "".join(json.dumps(c.arguments) for c in answer.calls)
    whole = tokens(talk.text)
    return whole, whole - tokens(talk.fresh), tokens(said)


def ident(prefix: str, talk: Conversation) -> str:
    """An id that follows from the request."""
    return f"{prefix}_{hashlib.sha256(talk.text.encode()).hexdigest()[:24]}"


def response(body: Json, talk: Conversation, answer: Answer, now: int) -> Json:
    """The answer of POST /v1/responses."""
    read, cached, written = usage(talk, answer)
    return {
        "id": ident("resp", talk), "object": "response", "created_at": now, "status": "completed",
        "background": False, "error": None, "incomplete_details": None, "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"), "model": body["model"], "output": _output(talk, answer),
        "parallel_tool_calls": True, "previous_response_id": None, "reasoning": {"effort": None, "summary": None},
        "store": False, "temperature": 1.0, "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"), "tools": body.get("tools") or [], "top_p": 1.0,
        "truncation": "disabled", "metadata": {},
        "usage": {
            "input_tokens": read, "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens": written, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        },
    }  # fmt: skip


def _output(talk: Conversation, answer: Answer) -> list[Json]:
    out: list[Json] = []
    if answer.text or not answer.calls:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        out.append({"id": ident("msg", talk), "type": "message", "status": "completed", "role": "assistant",
                    "content": [part]})  # fmt: skip
    for at, call in enumerate(answer.calls):
        out.append({"id": f"{ident('fc', talk)}{at}", "type": "function_call", "status": "completed",
                    "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)})  # fmt: skip
    return out


def response_events(whole: Json) -> Iterator[Json]:
    """The stream of POST /v1/responses, in the order that clients rely on."""
    number = -1

    def event(kind: str, **more: Any) -> Json:
        nonlocal number
        number += 1
        return {"type": kind, "sequence_number": number, **more}

    empty = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield event("response.created", response=empty)
    yield event("response.in_progress", response=empty)
    for at, item in enumerate(whole["output"]):
        where = {"output_index": at, "item_id": item["id"]}
        if item["type"] == "function_call":
            started = {**item, "status": "in_progress", "arguments": ""}
            yield event("response.output_item.added", output_index=at, item=started)
            yield event("response.function_call_arguments.delta", **where, delta=item["arguments"])
            yield event(
                "response.function_call_arguments.done", **where, name=item["name"], arguments=item["arguments"]
            )
        else:
            part = item["content"][0]
            inside = {**where, "content_index": 0}
            yield event("response.output_item.added", output_index=at,
                        item={**item, "status": "in_progress", "content": []})  # fmt: skip
            yield event("response.content_part.added", **inside, part={**part, "text": ""})
            yield event("response.output_text.delta", **inside, delta=part["text"], logprobs=[])
            yield event("response.output_text.done", **inside, text=part["text"], logprobs=[])
            yield event("response.content_part.done", **inside, part=part)
        yield event("response.output_item.done", output_index=at, item=item)
    yield event("response.completed", response=whole)


def completion(body: Json, talk: Conversation, answer: Answer, now: int) -> Json:
    """The answer of POST /v1/chat/completions."""
    read, cached, written = usage(talk, answer)
    message: Json = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.calls:
        message["tool_calls"] = _chat_calls(answer)
    return {
        "id": ident("chatcmpl", talk), "object": "chat.completion", "created": now, "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None,
                     "finish_reason": "tool_calls" if answer.calls else "stop"}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
                  "prompt_tokens_details": {"cached_tokens": cached}},
    }  # fmt: skip


def _chat_calls(answer: Answer) -> list[Json]:
    return [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments)}}
        for c in answer.calls
    ]


def completion_chunks(whole: Json, with_usage: bool) -> Iterator[Json]:
    """The stream of POST /v1/chat/completions; usage comes in a last chunk when asked for."""
    lead = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": whole["model"]}
    choice = whole["choices"][0]
    message = choice["message"]
    delta = {"role": "assistant", "content": message["content"] or ""}
    if calls := message.get("tool_calls"):
        delta["tool_calls"] = [{"index": n, **call} for n, call in enumerate(calls)]
    yield {**lead, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
    end = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
    yield {**lead, "choices": [end]}
    if with_usage:
        yield {**lead, "choices": [], "usage": whole["usage"]}
