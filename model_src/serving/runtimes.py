"""What runs an exported network on a processor. Each library is imported only when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

ROWS = 8  # more do not fit the caches: ONNX Runtime gets slower
Outputs = list[NDArray[np.float32]]


class Runtime(Protocol):
    def __call__(self, *inputs: NDArray) -> Outputs:
        """The graph's outputs for rows of its inputs, in the graph's order of both."""
        ...


class OnnxRuntime:
    """ONNX Runtime, some rows at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others may want the processor
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [given.name for given in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray) -> Outputs:
        parts = []
        for begin in range(0, len(inputs[0]), ROWS):
            rows = [np.ascontiguousarray(values[begin : begin + ROWS]) for values in inputs]
            parts.append(self._session.run(None, dict(zip(self._names, rows, strict=True))))
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


class OpenVino:
    """OpenVINO, one row per core: its kernels are at their best when a row stays in its core's cache."""

    def __init__(self, path: Path, precision: Literal["f32", "bf16"], threads: int) -> None:
        import openvino

        core = openvino.Core()
        graph = core.read_model(path)
        graph.reshape({given: [1, *list(given.partial_shape)[1:]] for given in graph.inputs})  # open sizes stay open
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": str(threads),
            "NUM_STREAMS": str(threads),
        }
        compiled = core.compile_model(graph, "CPU", settings)
        self._outputs = len(compiled.outputs)
        self._queue: Any = openvino.AsyncInferQueue(compiled, threads)

    def __call__(self, *inputs: NDArray) -> Outputs:
        inputs = tuple(np.ascontiguousarray(values) for values in inputs)
        rows: list[Outputs] = [[] for _ in inputs[0]]

        def keep(request: Any, row: int) -> None:
            rows[row] = [request.get_output_tensor(place).data[0].copy() for place in range(self._outputs)]

        self._queue.set_callback(keep)
        for row in range(len(inputs[0])):
            self._queue.start_async([values[row : row + 1] for values in inputs], row)
        self._queue.wait_all()
        return [np.stack(output) for output in zip(*rows, strict=True)]
