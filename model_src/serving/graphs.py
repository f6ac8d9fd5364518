"""The two expensive networks as ONNX files: from bytes of pixels and sound to encodings, preprocessing included.

One file per network serves both ONNX Runtime and OpenVINO. They are traced by the older of torch's two exporters: the
newer one takes twenty times as long and three more libraries, for the same graph.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from model_src.models import MultimodalModel
from model_src.models.inputs import frames_from_crops, waveform_from_pcm
from model_src.preprocess.chunk import CROP
from model_src.preprocess.window_audio import SAMPLES

FRAMES, SOUND = "frames.onnx", "sound.onnx"
OPSET = 17
TRACED_ROWS = 2  # any number but one, which a trace would take for a constant


class FramesGraph(nn.Module):
    """Crops uint8 [N, 224, 224, 3], flow float16 [N, 224, 224, 2] where taken -> embeddings, maps, mouths if any."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, crops: Tensor, flow: Tensor | None = None) -> tuple[Tensor, ...]:
        frames = frames_from_crops(crops, flow)  # [N, C, 224, 224]
        encoded = self.model.encode_frames(frames)
        mouths = self.model.encode_mouths(frames)
        return tuple(encoded) if mouths is None else (*encoded, mouths)


class SoundGraph(nn.Module):
    """Whole seconds of sound int16 [R, 16000] -> embeddings [R, 49, U]."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.encoder = model.audio_encoder

    def forward(self, pcm: Tensor) -> Tensor:
        # Past the sorting of rows by length, which no graph can hold: here all rows are of one length.
        return self.encoder._encode(waveform_from_pcm(pcm))


def export_graphs(model: MultimodalModel, folder: Path) -> list[str]:
    """Write a file per network that the model has; their names."""
    names = []
    if model.config.enable_video:
        inputs = {"crops": torch.zeros(TRACED_ROWS, CROP, CROP, 3, dtype=torch.uint8)}
        if model.config.video.channels == 5:
            inputs["flow"] = torch.zeros(TRACED_ROWS, CROP, CROP, 2, dtype=torch.float16)
        outputs = ["embeddings", "maps"] + ([] if model.mouth_encoder is None else ["mouths"])
        export(FramesGraph(model), inputs, outputs, folder / FRAMES)
        names.append(FRAMES)
    if model.config.enable_audio:
        pcm = torch.arange(TRACED_ROWS * SAMPLES).reshape(TRACED_ROWS, SAMPLES).to(torch.int16)
        export(SoundGraph(model), {"pcm": pcm}, ["embeddings"], folder / SOUND)
        names.append(SOUND)
    return names


def export(network: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    """The number of rows stays open, everything else is fixed."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # shapes that become constants, on purpose; the age of the exporter
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={name: {0: "rows"} for name in (*inputs, *outputs)},
        )
