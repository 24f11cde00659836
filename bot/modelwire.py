"""Between the loop's requests and answers and OpenAI's JSON, both dialects. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from worker.agent import (
    Item,
    Message,
    ModelAnswer,
    ModelInvalid,
    ModelRefused,
    ModelRequest,
    ModelUnavailable,
    ToolCall,
    ToolResult,
)
from worker.task import Usage


def input_items(items: Iterable[Item]) -> Any:
    out: list[dict[str, Any]] = []
    for item in items:
        match item:
            case Message():
                out.append({"role": item.role, "content": item.text})
            case ToolCall():
                out.append(
                    {"type": "function_call", "call_id": item.id, "name": item.name, "arguments": item.arguments}
                )
            case ToolResult():
                out.append({"type": "function_call_output", "call_id": item.id, "output": item.output})
    return out


def messages(request: ModelRequest) -> Any:
    out: list[dict[str, Any]] = [{"role": "system", "content": request.instructions}]
    for item in request.items:
        match item:
            case Message():
                out.append({"role": item.role, "content": item.text})
            case ToolCall():
                if out[-1]["role"] != "assistant":
                    out.append({"role": "assistant", "content": None})
                call = {"id": item.id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}}
                out[-1].setdefault("tool_calls", []).append(call)
            case ToolResult():
                out.append({"role": "tool", "tool_call_id": item.id, "content": item.output})
    return out


def from_response(response: Any, name: str) -> ModelAnswer:
    counted = response.usage
    usage = Usage(calls=1)
    if counted is not None:
        details = counted.input_tokens_details
        usage = Usage(
            calls=1,
            input_tokens=counted.input_tokens,
            output_tokens=counted.output_tokens,
            cached_tokens=details.cached_tokens if details is not None else 0,
        )
    texts: list[str] = []
    calls: list[ToolCall] = []
    for item in response.output:
        if item.type == "function_call":
            calls.append(ToolCall(id=item.call_id, name=item.name, arguments=item.arguments))
        elif item.type == "message":
            for part in item.content:
                if part.type == "refusal":
                    raise ModelRefused(f"{name} refused: {part.refusal}", usage=usage)
                texts.append(part.text)
    if response.status == "failed":
        said = response.error.message if response.error else "no reason given"
        raise ModelUnavailable(f"{name} failed: {said}", usage=usage)
    if response.status == "incomplete":
        why = response.incomplete_details.reason if response.incomplete_details else "unknown"
        if why == "content_filter":
            raise ModelRefused(f"{name} refused: content filter", usage=usage)
        raise ModelInvalid(f"the model's answer was cut off: {why}", usage=usage)
    return ModelAnswer(text="".join(texts), tool_calls=tuple(calls), usage=usage)


def chat_usage(counted: Any) -> Usage:
    if counted is None:
        return Usage(calls=1)
    details = counted.prompt_tokens_details
    return Usage(
        calls=1,
        input_tokens=counted.prompt_tokens,
        output_tokens=counted.completion_tokens,
        cached_tokens=(details.cached_tokens or 0) if details is not None else 0,
    )
