"""The protocol's messages for gRPC, in a pool of descriptors of our own.

Generated stubs register themselves in the process's one pool, where those of another package with the same names (such
as Triton's client) would clash with ours. So the descriptors are built here, from the table below, and stay private.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tidewheel.errors import MissingExtraError

PACKAGE = "inference"
SERVICE = "inference.GRPCInferenceService"

MESSAGES = """
ServerLiveRequest
ServerLiveResponse live:bool
ServerReadyRequest
ServerReadyResponse ready:bool
ModelReadyRequest name:string version:string
ModelReadyResponse ready:bool
ServerMetadataRequest
ServerMetadataResponse name:string version:string extensions:string*
ModelMetadataRequest name:string version:string
TensorMetadata name:string datatype:string shape:int64*
ModelMetadataResponse name:string versions:string* platform:string inputs:TensorMetadata* outputs:TensorMetadata*
InferParameter bool_param:bool? int64_param:int64? string_param:string? double_param:double? uint64_param:uint64?
InferTensorContents bool_contents:bool* int_contents:int32* int64_contents:int64* uint_contents:uint32* \
uint64_contents:uint64* fp32_contents:float* fp64_contents:double* bytes_contents:bytes*
InferTensor name:string datatype:string shape:int64* parameters:InferParameter% contents:InferTensorContents
InferRequestedOutputTensor name:string parameters:InferParameter%
ModelInferRequest model_name:string model_version:string id:string parameters:InferParameter% inputs:InferTensor* \
outputs:InferRequestedOutputTensor* raw_input_contents:bytes*
ModelInferResponse model_name:string model_version:string id:string parameters:InferParameter% outputs:InferTensor* \
raw_output_contents:bytes*
ModelStreamInferResponse error_message:string infer_response:ModelInferResponse
ModelConfigRequest name:string version:string
ModelTensor name:string data_type:int32 format:int32 dims:int64*
ModelOutputTensor name:string data_type:int32 dims:int64*
ModelConfig name:string platform:string max_batch_size:int32=4 input:ModelTensor* output:ModelOutputTensor* \
backend:string=17
ModelConfigResponse config:ModelConfig
ModelStatisticsRequest name:string version:string
StatisticDuration count:uint64 ns:uint64
InferStatistics success:StatisticDuration fail:StatisticDuration queue:StatisticDuration \
compute_input:StatisticDuration compute_infer:StatisticDuration compute_output:StatisticDuration \
cache_hit:StatisticDuration cache_miss:StatisticDuration
ModelStatistics name:string version:string last_inference:uint64 inference_count:uint64 execution_count:uint64 \
inference_stats:InferStatistics
ModelStatisticsResponse model_stats:ModelStatistics*
ModelRepositoryParameter bool_param:bool? int64_param:int64? string_param:string? bytes_param:bytes?
RepositoryIndexRequest repository_name:string ready:bool
ModelIndex name:string version:string state:string reason:string
RepositoryIndexResponse models:ModelIndex*
RepositoryModelLoadRequest repository_name:string model_name:string parameters:ModelRepositoryParameter%
RepositoryModelLoadResponse
RepositoryModelUnloadRequest repository_name:string model_name:string parameters:ModelRepositoryParameter%
RepositoryModelUnloadResponse
"""
"""A line a message: fields as ``name:type``, numbered from 1 or on from the number given after ``=``; ``*`` is
repeated, ``?`` one of a choice, ``%`` a map from text."""

_FIELD = re.compile(r"(\w+):(\w+)([*?%]?)(?:=(\d+))?")
DATA_TYPES = ("INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
              "FP32", "FP64", "STRING", "BF16")  # fmt: skip
"""Triton's numbers of data types: the places here."""


@cache
def message_classes() -> dict[str, Any]:
    """Return the message classes by name.

    Raises
    ------
    MissingExtraError
        protobuf is not installed.

    Examples
    --------
    >>> ready = message_classes()["ModelReadyRequest"](name="Fraud")
    >>> message_classes()["ModelReadyRequest"].FromString(ready.SerializeToString()).name
    'Fraud'
    """
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise MissingExtraError("gRPC needs protobuf", remedy="pip install 'tidewheel[grpc]'") from error
    file = descriptor_pb2.FileDescriptorProto(name="tidewheel/inference.proto", package=PACKAGE, syntax="proto3")
    names = []
    for line in MESSAGES.strip().splitlines():
        name, _, fields = line.partition(" ")
        names.append(name)
        _describe(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in names}


def _describe(message: Any, fields: str) -> None:
    number = 0
    for name, kind, mark, given in _FIELD.findall(fields):
        number = int(given) if given else number + 1
        field = message.field.add(name=name, number=number, label=3 if mark in ("*", "%") else 1)
        if mark == "%":
            _describe_map(message, field, kind)
            continue
        _set_type(field, kind)
        if mark == "?":
            if not message.oneof_decl:
                message.oneof_decl.add(name="parameter_choice")
            field.oneof_index = 0


def _describe_map(message: Any, field: Any, kind: str) -> None:
    entry = message.nested_type.add(name=f"{field.name.title()}Entry")
    entry.options.map_entry = True
    _set_type(entry.field.add(name="key", number=1, label=1), "string")
    _set_type(entry.field.add(name="value", number=2, label=1), kind)
    field.type = field.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"


def _set_type(field: Any, kind: str) -> None:
    if kind[0].isupper():
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
