"""``inference.GRPCInferenceService`` over a process's models."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import msgspec

from tidewheel import errors
from tidewheel.serving.api.oip.grpc_coding import answer_message, read_message
from tidewheel.serving.api.oip.grpc_messages import DATA_TYPES, SERVICE, message_classes
from tidewheel.serving.api.oip.repository import Repository
from tidewheel.serving.api.oip.rest import CALLER, May, server_metadata
from tidewheel.serving.transport.http import Request

STATUS_OF: tuple[tuple[type[errors.TidewheelError], grpc.StatusCode], ...] = (
    (errors.InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFoundError, grpc.StatusCode.NOT_FOUND),
    (errors.ConflictError, grpc.StatusCode.ALREADY_EXISTS),
    (errors.ClockError, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.DeadlineError, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.TidewheelError, grpc.StatusCode.UNAVAILABLE),
)
"""The first class that fits gives the code."""
_REFUSED = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def code_of(error: errors.TidewheelError) -> grpc.StatusCode:
    """Return the status of an error.

    Examples
    --------
    >>> code_of(errors.SchemaError("no number")).name
    'INVALID_ARGUMENT'
    """
    return next(code for kind, code in STATUS_OF if isinstance(error, kind))


class Service:
    """The methods, by the names that clients call.

    Parameters
    ----------
    repository : Repository
        The models.
    may : callable
        Asked before each call but those of health.
    """

    def __init__(self, repository: Repository, may: May) -> None:
        self._repository = repository
        self._may = may
        self._make = message_classes()
        self._scopes: dict[str, str] = {
            "ServerLive": "",
            "ServerReady": "",
            "ServerMetadata": "",
            "ModelInfer": "decide",
            "ModelStreamInfer": "decide",
            "RepositoryModelLoad": "admin",
            "RepositoryModelUnload": "admin",
        }

    def handler(self) -> Any:
        """Return what a gRPC server adds."""
        unary: dict[str, Callable[[Any], dict[str, Any]]] = {
            "ServerLive": lambda asked: {"live": True},
            "ServerReady": lambda asked: {"ready": not self._repository.ready()},
            "ServerMetadata": lambda asked: server_metadata(),
            "ModelReady": self._model_ready,
            "ModelMetadata": lambda asked: self._repository.metadata(asked.name, asked.version),
            "ModelConfig": self._config,
            "ModelStatistics": lambda asked: {"model_stats": self._stats(asked)},
            "RepositoryIndex": self._index,
        }
        switched = {
            "RepositoryModelLoad": lambda asked, who: self._repository.load(
                asked.model_name, dict.fromkeys(asked.parameters), who
            ),
            "RepositoryModelUnload": lambda asked, who: self._repository.unload(asked.model_name, who),
        }
        methods = {name: self._unary(name, answer) for name, answer in unary.items()}
        methods |= {name: self._switching(name, switch) for name, switch in switched.items()}
        methods["ModelInfer"] = grpc.unary_unary_rpc_method_handler(self._infer, *self._coding("ModelInfer"))
        decode, encode = self._make["ModelInferRequest"].FromString, _serialized
        methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self._stream, decode, encode)
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _coding(self, name: str) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
        return self._make[f"{name}Request"].FromString, _serialized

    def _unary(self, name: str, answer: Callable[[Any], dict[str, Any]]) -> Any:
        made = self._make[f"{name}Response"]

        async def call(asked: Any, context: Any) -> Any:
            await self._admitted(name, context)
            try:
                return made(**answer(asked))
            except errors.TidewheelError as error:
                await context.abort(code_of(error), str(error))

        return grpc.unary_unary_rpc_method_handler(call, *self._coding(name))

    def _switching(self, name: str, switch: Callable[[Any, str], Awaitable[None]]) -> Any:
        made = self._make[f"{name}Response"]

        async def call(asked: Any, context: Any) -> Any:
            who = await self._admitted(name, context)
            try:
                await switch(asked, who)
            except errors.TidewheelError as error:
                await context.abort(code_of(error), str(error))
            return made()

        return grpc.unary_unary_rpc_method_handler(call, *self._coding(name))

    async def _admitted(self, name: str, context: Any) -> str:
        """End the call if it may not be; return who asks."""
        headers = {key.encode(): _bytes(value) for key, value in context.invocation_metadata()}
        request = Request("POST", f"/{SERVICE}/{name}", headers=headers)
        scope = self._scopes.get(name, "read")
        refused = self._may(request, scope) if scope else None  # type: ignore[arg-type]  # the table holds scopes
        if refused is not None:
            told = msgspec.json.decode(refused.body)["error"]["what"]
            await context.abort(_REFUSED.get(refused.status, grpc.StatusCode.UNAVAILABLE), told)
        return request.caller or request.header(CALLER)[:200]

    # --- inference -----------------------------------------------------------------------------

    async def _infer(self, message: Any, context: Any) -> Any:
        caller = await self._admitted("ModelInfer", context)
        try:
            return await self._inferred(message, context, caller)
        except errors.TidewheelError as error:
            await context.abort(code_of(error), str(error))

    async def _stream(self, messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        """Answer one request after the other; one that fails does not end the stream."""
        caller = await self._admitted("ModelStreamInfer", context)
        made = self._make["ModelStreamInferResponse"]
        async for message in messages:
            try:
                yield made(infer_response=await self._inferred(message, context, caller))
            except errors.TidewheelError as error:
                failed = self._make["ModelInferResponse"](id=message.id, model_name=message.model_name)
                yield made(error_message=str(error), infer_response=failed)

    async def _inferred(self, message: Any, context: Any, caller: str) -> Any:
        asked = read_message(message)
        asked.caller = caller
        left = context.time_remaining()
        if left is not None:
            left_us = max(int(left * 1e6), 1)
            asked.timeout_us = min(asked.timeout_us, left_us) if asked.timeout_us else left_us
        given = await self._repository.infer(message.model_name, message.model_version, asked)
        return answer_message(self._make["ModelInferResponse"], asked, given)

    # --- models --------------------------------------------------------------------------------

    def _model_ready(self, asked: Any) -> dict[str, Any]:
        return {"ready": not self._repository.find(asked.name, asked.version).not_ready()}

    def _config(self, asked: Any) -> dict[str, Any]:
        told = self._repository.config(asked.name, asked.version)
        del told["version_policy"]
        for ports in (told["input"], told["output"]):
            for port in ports:
                port["data_type"] = DATA_TYPES.index(port["data_type"].removeprefix("TYPE_"))
        return {"config": told}

    def _stats(self, asked: Any) -> list[dict[str, Any]]:
        told = self._repository.stats(asked.name, asked.version)
        return [{name: value for name, value in stats.items() if name != "batch_stats"} for stats in told]

    def _index(self, asked: Any) -> dict[str, Any]:
        return {"models": [msgspec.to_builtins(entry) for entry in self._repository.index(asked.ready)]}


def _serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")
