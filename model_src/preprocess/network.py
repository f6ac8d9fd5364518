"""A network file as a function, on as few threads as a Lambda has cores to spare."""

from __future__ import annotations

import os
from pathlib import Path

from numpy.typing import NDArray


class OnnxNetwork:
    def __init__(self, path: str | os.PathLike[str], outputs: list[str] | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the decoder has the other cores
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(Path(path)), options, providers=["CPUExecutionProvider"])
        self._outputs = outputs

    def __call__(self, **inputs: NDArray) -> list[NDArray]:
        return self._session.run(self._outputs, inputs)

    @property
    def input_names(self) -> list[str]:
        return [node.name for node in self._session.get_inputs()]
