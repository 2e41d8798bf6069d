"""The Open Inference Protocol (V2) over REST: bodies to tensors, tensors to bodies, metadata.

Binary tensors ride behind the JSON: the header `Inference-Header-Content-Length` says where they start, and
the parameter `binary_data_size` of a tensor how long it is.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pavedroad.errors import Invalid
from pavedroad.serving import tensors
from pavedroad.serving.served_model import ServedModel, TensorSpec

EXTENSIONS = ["binary_tensor_data"]
Parameters = dict[str, str | int | float | bool]


class InputTensor(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw()
    parameters: Parameters = {}


class WantedOutput(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    parameters: Parameters = {}


class InferRequest(msgspec.Struct, frozen=True, kw_only=True):
    inputs: list[InputTensor]
    outputs: list[WantedOutput] = []
    id: str = ""
    parameters: Parameters = {}


class Inference(msgspec.Struct, frozen=True, kw_only=True):
    """A request as tensors, and how its answer is wanted."""

    id: str
    given: dict[str, np.ndarray]
    wanted: list[str]  # names of outputs; none: what the model predicts
    binary: dict[str, bool]  # of the wanted outputs that say so
    all_binary: bool


_decode = msgspec.json.Decoder(InferRequest).decode
_encode = msgspec.json.Encoder().encode


def read_request(body: bytes, header_length: str) -> Inference:
    """Raises Invalid for anything that is not a request of the protocol."""
    json_part, binary = _split(body, header_length)
    try:
        request = _decode(json_part)
    except msgspec.ValidationError as error:
        raise Invalid(f"not an inference request: {_plain(error)}", hint="see GET /v2/models") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}", hint="send application/json") from None
    if not request.inputs:
        raise Invalid("the request has no inputs", hint="name at least one tensor")
    wants_binary = request.parameters.get("binary_data_output") is True
    return Inference(
        id=request.id,
        given=_read_inputs(request.inputs, binary),
        wanted=[output.name for output in request.outputs],
        binary={
            output.name: output.parameters["binary_data"] is True
            for output in request.outputs
            if "binary_data" in output.parameters
        },
        all_binary=wants_binary,
    )


def _split(body: bytes, header_length: str) -> tuple[bytes | memoryview, memoryview]:
    if not header_length:
        return body, memoryview(b"")
    is_number = header_length.isascii() and header_length.isdigit() and len(header_length) <= 15
    if not is_number or int(header_length) > len(body):
        raise Invalid(
            f"Inference-Header-Content-Length is {header_length[:40]!r}, the body has {len(body)} bytes",
            hint="say how many bytes the JSON in front of the tensors has",
        )
    view = memoryview(body)
    return view[: int(header_length)], view[int(header_length) :]


def _read_inputs(inputs: list[InputTensor], binary: memoryview) -> dict[str, np.ndarray]:
    given: dict[str, np.ndarray] = {}
    at = 0
    for tensor in inputs:
        if tensor.name in given:
            raise Invalid(f"input {tensor.name!r} is there twice", hint="give every input once")
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            if not bytes(tensor.data):
                raise Invalid(f"input {tensor.name!r} has no data", hint="give data or binary_data_size")
            given[tensor.name] = tensors.from_json(tensor.data, tensor.datatype, tensor.shape, tensor.name)
            continue
        if not isinstance(size, int) or isinstance(size, bool) or size < 0 or at + size > len(binary):
            raise Invalid(
                f"input {tensor.name!r}: binary_data_size is {size!r}, {len(binary) - at} bytes are left",
                hint="send the tensors behind the JSON and its length in Inference-Header-Content-Length",
            )
        part = binary[at : at + size]
        given[tensor.name] = tensors.from_binary(part, tensor.datatype, tensor.shape, tensor.name)
        at += size
    if at != len(binary):
        raise Invalid(
            f"{len(binary) - at} bytes behind the JSON belong to no input",
            hint="say binary_data_size of each",
        )
    return given


def _plain(error: msgspec.ValidationError) -> str:
    """msgspec's words without its marks: `expected array, got str - at inputs[0].shape`."""
    text = str(error).replace("`", "").replace("$.", "")
    return text[:1].lower() + text[1:]


# ---------------------------------------------------------------------------------------------- answers


def write_answer(model: ServedModel, request: Inference, outputs: dict[str, np.ndarray]) -> tuple[bytes, int]:
    """The body, and the length of its JSON when tensors follow (else -1)."""
    parts: list[bytes] = []
    described = []
    for name, array in outputs.items():
        described.append(_describe(name, array, parts, request.binary.get(name, request.all_binary)))
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if request.id:
        answer["id"] = request.id
    answer["outputs"] = described
    head = _encode(answer)
    return (b"".join((head, *parts)), len(head)) if parts else (head, -1)


def _describe(name: str, array: np.ndarray, parts: list[bytes], as_binary: bool) -> dict[str, Any]:
    datatype = tensors.datatype_of(array.dtype)
    if as_binary:
        raw = tensors.to_binary(array)
        parts.append(raw)
        parameters = {"binary_data_size": len(raw)}
        return {"name": name, "datatype": datatype, "shape": list(array.shape), "parameters": parameters}
    if datatype == "FP16":  # which JSON cannot carry
        datatype, array = "FP32", array.astype("f4")
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": tensors.to_json(array)}


def server_metadata(version: str) -> dict[str, Any]:
    return {"name": "pavedroad", "version": version, "extensions": EXTENSIONS}


def model_metadata(model: ServedModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": model.platform,
        "inputs": [_metadata(spec) for spec in model.inputs],
        "outputs": [_metadata(spec) for spec in model.outputs],
    }


def _metadata(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}
