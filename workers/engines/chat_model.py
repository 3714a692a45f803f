"""Our summarizer as a LangChain chat model: a call in the last user message, its summary as the answer.

A message holds one turn a line, "A: …" or "12 B: …"; a line without a party is the caller's. The answer spells the
summary's structure out, as a server of the same checkpoint does; `with_structured_output(CallSummary)` reads it.
Tools, stop words and other schemas are not for this model.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough
from pydantic import BaseModel, Field

from model_core.data.call import Line
from model_core.data.summary_format import encode_prompt, parse_text
from model_core.inference.engine import DEFAULT_MAX_NEW_TOKENS, GeneratedSummary, SummaryGenerator
from model_core.inference.notes import in_notes
from workers.contracts.summary import CallSummary
from workers.engines.conversion import to_contract

PARTY_PREFIXES = ("A: ", "B: ")
_UNFINISHED = "\ufffd"
_WITH_RAW = ("raw", "parsed", "parsing_error")


class ChatYoyak(BaseChatModel):
    """A model folder of ours behind LangChain's chat interface; loaded when first used, one call at a time."""

    model: str
    max_tokens: int = Field(default=DEFAULT_MAX_NEW_TOKENS, ge=1)

    @classmethod
    def of(cls, generator: SummaryGenerator, model: str) -> "ChatYoyak":
        """Return the chat model of a generator that is loaded already."""
        chat = cls(model=model)
        chat.__dict__["generator"] = generator
        return chat

    @cached_property
    def generator(self) -> SummaryGenerator:
        """The loaded model."""
        return SummaryGenerator.load(self.model)

    @cached_property
    def _lock(self) -> Lock:
        return Lock()

    @property
    def _llm_type(self) -> str:
        return "yoyak"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "max_tokens": self.max_tokens}

    def get_token_ids(self, text: str) -> list[int]:
        """Return the ids of a text in the model's own vocabulary."""
        return self.generator.tokenizer.encode_text(text)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return the number of prompt tokens of the messages. `tools` cost nothing: the model takes none."""
        return len(encode_prompt(self.generator.tokenizer, lines_of_messages(messages)))

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return a runnable that answers with a `CallSummary`.

        Raises: ValueError for another schema; the model writes nothing else.
        """
        if schema is not CallSummary:
            raise ValueError(f"the schema is {schema!r}; this model writes {CallSummary.__name__} only")
        answered = RunnableParallel(raw=self, lines=RunnableLambda(self._lines))
        read: Runnable[dict[str, Any], CallSummary] = RunnableLambda(_read)
        if not include_raw:
            return answered | read
        parsed = RunnablePassthrough.assign(parsed=read, parsing_error=lambda _: None)
        return answered | parsed | RunnableLambda(lambda answer: {key: answer[key] for key in _WITH_RAW})

    def _lines(self, question: LanguageModelInput) -> list[Line]:
        return lines_of_messages(self._convert_input(question).to_messages())

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if stop:
            raise ValueError(f"stop is {stop!r}; this model takes no stop words")
        with self._lock:
            for chunk in self._chunks(lines_of_messages(messages)):
                if run_manager is not None:
                    run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
                yield chunk

    def _chunks(self, lines: Sequence[Line]) -> Iterator[ChatGenerationChunk]:
        stream = self.generator.stream(lines, max_new_tokens=self.max_tokens)
        ids: list[int] = []
        sent = ""
        while True:
            try:
                ids.append(next(stream))
            except StopIteration as end:
                yield self._last(end.value)
                return
            text = self.generator.tokenizer.decode(ids)
            # A character may take several tokens; it is sent when it is whole.
            if not text.endswith(_UNFINISHED):
                yield ChatGenerationChunk(message=AIMessageChunk(content=text[len(sent) :]))
                sent = text

    def _last(self, result: GeneratedSummary) -> ChatGenerationChunk:
        """The empty chunk that carries what the answer took."""
        usage = UsageMetadata(
            input_tokens=result.prompt_tokens,
            output_tokens=result.completion_tokens,
            total_tokens=result.prompt_tokens + result.completion_tokens,
        )
        metadata = {
            "model_name": self.model,
            "finish_reason": "stop",
            "confidence": result.confidence,
            "duration_s": result.duration_s,
        }
        message = AIMessageChunk(content="", usage_metadata=usage, response_metadata=metadata, chunk_position="last")
        return ChatGenerationChunk(message=message)


def lines_of_messages(messages: Sequence[BaseMessage]) -> list[Line]:
    """Return the turns of the last user message.

    Raises: ValueError when there is none or it is not plain text.
    """
    users = [message for message in messages if isinstance(message, HumanMessage)]
    if not users or not isinstance(users[-1].content, str):
        raise ValueError(f"of {len(messages)} messages none is a user's plain text; the call stands in the last such")
    return [_line(text) for text in users[-1].content.split("\n")]


def message_of_lines(lines: Sequence[Line]) -> HumanMessage:
    """Return the user message that holds a call's turns, numbered from 1."""
    turns = (f"{number} {line.party}: {' '.join(line.text.split())}" for number, line in enumerate(lines, start=1))
    return HumanMessage("\n".join(turns))


def _read(answered: dict[str, Any]) -> CallSummary:
    return to_contract(in_notes(parse_text(str(answered["raw"].content)), answered["lines"]))


def _line(text: str) -> Line:
    bare = text.lstrip("0123456789 ")
    return Line(bare[0], bare[3:]) if bare.startswith(PARTY_PREFIXES) else Line("B", text)
