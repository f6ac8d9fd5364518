"""The two expensive networks as ONNX files: from bytes of pixels and sound to encodings, preprocessing included.

One file per network serves both ONNX Runtime and OpenVINO. They are traced by the older of torch's two exporters: for
compact the newer one took 29 seconds instead of about one, and it needs three more libraries, for the same graph.
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
from model_src.serving.names import of_member

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
    """Sound int16 [R, S], rows of one length -> embeddings [R, A, U]; a whole second gives 49 steps."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.encoder = model.audio_encoder

    def forward(self, pcm: Tensor) -> Tensor:
        # Past the sorting of rows by length, which no graph can hold.
        return self.encoder.encode(waveform_from_pcm(pcm))


def export_graphs(model: MultimodalModel, folder: Path, member: int = 1) -> list[str]:
    """Write a file per network that the model has; their names. `member` is its place in an ensemble."""
    names = []
    if model.config.enable_video:
        inputs = {"crops": torch.zeros(TRACED_ROWS, CROP, CROP, 3, dtype=torch.uint8)}
        if model.config.video.channels == 5:
            inputs["flow"] = torch.zeros(TRACED_ROWS, CROP, CROP, 2, dtype=torch.float16)
        outputs = ["embeddings", "maps"] + ([] if model.mouth_encoder is None else ["mouths"])
        rows = {name: {0: "rows"} for name in (*inputs, *outputs)}
        names.append(of_member(FRAMES, member))
        export(FramesGraph(model), inputs, outputs, rows, folder / names[-1])
    if model.config.enable_audio:
        pcm = torch.arange(TRACED_ROWS * SAMPLES).reshape(TRACED_ROWS, SAMPLES).to(torch.int16)
        # The end of a video cuts windows short.
        rows = {"pcm": {0: "rows", 1: "samples"}, "embeddings": {0: "rows", 1: "steps"}}
        names.append(of_member(SOUND, member))
        export(SoundGraph(model), {"pcm": pcm}, ["embeddings"], rows, folder / names[-1])
    return names


def export(
    network: nn.Module, inputs: dict[str, Tensor], outputs: list[str], open_sizes: dict[str, dict[int, str]], path: Path
) -> None:
    """Whatever size is not named as open is fixed."""
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
            dynamic_axes=open_sizes,
        )
