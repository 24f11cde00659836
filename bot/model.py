"""Models over OpenAI's protocol: Responses first, Chat Completions where a server has nothing else.

The only importer of `openai`, and only when the first model is made: the import takes most of a second.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from bot.modelwire import chat_usage, from_response, input_items, messages
from planner.policy import RoleModel
from worker.agent import (
    ModelAnswer,
    ModelError,
    ModelInvalid,
    ModelRefused,
    ModelRequest,
    ModelUnavailable,
    ToolCall,
)
from worker.task import Usage

if TYPE_CHECKING:
    from openai import OpenAI

Api = Literal["auto", "responses", "chat"]
DEFAULT_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Defaults:
    """What holds where the repository's configuration says nothing. Prices are dollars per million tokens."""

    name: str
    api_key: str
    base_url: str | None = None
    api: Api = "auto"
    input_price: float | None = None
    output_price: float | None = None


class UnknownPrice(Exception):
    """A cap in dollars cannot hold for a model whose price nobody knows."""


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens as configured; None where the price list is asked instead."""

    model: str
    input: float | None
    output: float | None

    def dollars(self, usage: Usage) -> float:
        """What a call cost; 0 for a model without a known price, which `require` refuses where it matters."""
        if self.input is not None or self.output is not None:
            return (usage.input_tokens * (self.input or 0.0) + usage.output_tokens * (self.output or 0.0)) / 1e6
        listed = _listed(self.model, usage)
        return float(listed) if listed is not None else 0.0

    def require(self, role: str) -> None:
        """Raises `UnknownPrice` when no price is known."""
        known = self.input is not None or self.output is not None
        if not known and _listed(self.model, Usage(input_tokens=1, output_tokens=1)) is None:
            raise UnknownPrice(
                f"No price is known for the model {self.model!r}, so a cap in dollars cannot hold. "
                f"Set models.{role}.input_price and models.{role}.output_price "
                "in .github/branchwork.yml, or BRANCHWORK_MODEL_INPUT_PRICE and BRANCHWORK_MODEL_OUTPUT_PRICE "
                "(dollars per million tokens; 0 for a free model)."
            )


def _listed(model: str, usage: Usage) -> Decimal | None:
    from genai_prices import Usage as PriceUsage
    from genai_prices import calc_price

    counted = PriceUsage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=usage.cached_tokens
    )
    try:
        return calc_price(counted, model_ref=model).total_price
    except LookupError:
        return None


class Models:
    """Makes the model of a role; clients are kept, so that their connections are."""

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._clients: dict[str, OpenAI] = {}
        self._chat_only: set[str] = set()
        self._lock = threading.Lock()

    def of(self, role: RoleModel) -> OpenAIModel:
        """The model that a configuration names, with our defaults for what it leaves out."""
        base = role.base_url or self._defaults.base_url or ""
        with self._lock:
            if base not in self._clients:
                self._clients[base] = self._client(base)
        given = role.input_price is not None or role.output_price is not None
        price = Price(
            role.name or self._defaults.name,
            role.input_price if given else self._defaults.input_price,
            role.output_price if given else self._defaults.output_price,
        )
        return OpenAIModel(self._clients[base], price, role.effort, self._defaults.api, base, self._chat_only)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _client(self, base: str) -> OpenAI:
        from openai import OpenAI

        return OpenAI(
            api_key=self._defaults.api_key or "none", base_url=base or None, max_retries=2, timeout=DEFAULT_TIMEOUT_S
        )


class OpenAIModel:
    """A `worker.agent.Model`."""

    def __init__(
        self, client: OpenAI, price: Price, effort: str | None, api: Api, base: str, chat_only: set[str]
    ) -> None:
        self._client = client
        self.price = price
        self._effort = effort
        self._api = api
        self._base = base
        self._chat_only = chat_only

    @property
    def name(self) -> str:
        return self.price.model

    def answer(self, request: ModelRequest) -> ModelAnswer:
        """Raises `ModelError`s and nothing else for a failed call."""
        import openai

        try:
            if self._api == "chat" or (self._api == "auto" and self._base in self._chat_only):
                return self._priced(self._chat(request))
            try:
                return self._priced(self._responses(request))
            except openai.NotFoundError:
                if self._api == "responses":
                    raise
            answer = self._priced(self._chat(request))
            self._chat_only.add(self._base)
            return answer
        except openai.APIError as error:
            raise _failure(error, self.name) from error

    def _priced(self, answer: ModelAnswer) -> ModelAnswer:
        usage = answer.usage.model_copy(update={"dollars": self.price.dollars(answer.usage)})
        return answer.model_copy(update={"usage": usage})

    def _responses(self, request: ModelRequest) -> ModelAnswer:
        options: dict[str, Any] = {"store": False, "stream": True}
        if request.tools:
            options["tools"] = [
                {"type": "function", "name": t.name, "description": t.description, "parameters": t.parameters,
                 "strict": False}
                for t in request.tools
            ]  # fmt: skip
        if request.answer_schema is not None:
            options["text"] = {
                "format": {"type": "json_schema", "name": request.answer_name, "schema": request.answer_schema,
                           "strict": False}
            }  # fmt: skip
        if self._effort:
            options["reasoning"] = {"effort": self._effort}
        final: Any = None
        stream = self._client.responses.create(
            model=self.name,
            instructions=request.instructions,
            input=input_items(request.items),
            timeout=request.timeout_s or DEFAULT_TIMEOUT_S,
            **options,
        )
        with stream:
            for event in stream:
                if event.type in ("response.completed", "response.incomplete", "response.failed"):
                    final = event.response
        if final is None:
            raise ModelUnavailable("the model's answer broke off")
        return from_response(final, self.name)

    def _chat(self, request: ModelRequest) -> ModelAnswer:
        options: dict[str, Any] = {}
        if request.tools:
            options["tools"] = [
                {"type": "function",
                 "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
                for t in request.tools
            ]  # fmt: skip
        if request.answer_schema is not None:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": request.answer_name, "schema": request.answer_schema, "strict": False},
            }
        if self._effort:
            options["reasoning_effort"] = self._effort
        done = self._client.chat.completions.create(
            model=self.name,
            messages=messages(request),
            timeout=request.timeout_s or DEFAULT_TIMEOUT_S,
            **options,
        )
        usage = chat_usage(done.usage)
        if not done.choices:
            raise ModelInvalid("the model's answer has no choices", usage=usage)
        choice = done.choices[0]
        if choice.finish_reason == "content_filter" or choice.message.refusal:
            raise ModelRefused(f"{self.name} refused: {choice.message.refusal or 'content filter'}", usage=usage)
        if choice.finish_reason == "length":
            raise ModelInvalid("the model's answer was cut off at its length limit", usage=usage)
        calls = tuple(
            ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in choice.message.tool_calls or ()
            if call.type == "function"
        )
        return ModelAnswer(text=choice.message.content or "", tool_calls=calls, usage=usage)


class WrongKey(ModelRefused):
    """The model server does not accept our key: nobody's attempt is at fault."""


def _failure(error: Any, name: str) -> ModelError:
    """What one of the SDK's errors means for the loop."""
    import openai

    if isinstance(error, openai.APIConnectionError):
        return ModelUnavailable(f"the model server did not answer: {error}")
    if not isinstance(error, openai.APIStatusError):
        return ModelUnavailable(f"the model server broke off: {error}")
    status, said = error.status_code, _said(error)
    if status in (401, 403):
        return WrongKey(f"the model server refuses our key ({status}): {said}. Set OPENAI_API_KEY to a valid key.")
    if status == 404:
        return WrongKey(f"the model server does not know the model {name!r}: {said}")
    if status in (408, 409, 429) or status >= 500:
        return ModelUnavailable(f"{name}: {status}: {said}", retry_after=_retry_after(error))
    return ModelRefused(f"{name} rejects the request ({status}): {said}")


def _said(error: Any) -> str:
    body = error.body
    if isinstance(body, dict) and body.get("message"):
        return str(body["message"])[:500]
    return (json.dumps(body) if body else str(error))[:500]


def _retry_after(error: Any) -> float | None:
    value = error.response.headers.get("retry-after", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        return None
