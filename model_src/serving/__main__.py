"""`python -m model_src.serving serve`: the command of the inference container."""

from __future__ import annotations

import argparse
import os

from model_src.serving.holder import ModelSource
from model_src.serving.server import ServerSettings, serve

GPU_BATCH = 8  # a processor is busy with one chunk; together they would only wait for one another


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model_src.serving")
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("serve", help="run the HTTP server")
    command.add_argument("--host", default=os.environ.get("AURA_HOST", "127.0.0.1"), help="[AURA_HOST]")
    command.add_argument("--port", type=int, default=8080)
    command.add_argument("--model-dir", help="a packaged model [AURA_MODEL_DIR, else /opt/ml/model]")
    command.add_argument("--untrained", metavar="NAME", help="random weights of a named model [AURA_UNTRAINED_MODEL]")
    command.add_argument("--threads", type=int, help="CPU threads for one chunk [AURA_THREADS, else all cores]")
    command.add_argument(
        "--batch",
        type=int,
        help="chunks of different requests scored together [AURA_BATCH, else 8 on a GPU, or 1]",
    )
    command.add_argument("--needs-gpu", action="store_true", help="no GPU, no model [AURA_NEEDS_GPU=1]")
    command.add_argument("--cache-dir", help="keep a model that has no graphs exported here [AURA_CACHE_DIR]")
    options = parser.parse_args()

    # An option on the command line outweighs the whole environment.
    model_dir, untrained = options.model_dir, options.untrained
    if not (model_dir or untrained):
        model_dir, untrained = os.environ.get("AURA_MODEL_DIR"), os.environ.get("AURA_UNTRAINED_MODEL")
    threads = options.threads or int(os.environ.get("AURA_THREADS", "0"))
    batch = options.batch or int(os.environ.get("AURA_BATCH", "0"))

    # Threads that wait for each other spin by default; beside any other busy process that costs ten times the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # It reads the waiting policy once, here; and takes seconds, so not before the options are known to be right.
    import torch

    from model_src.models.device import best_device
    from model_src.serving.choose_source import choose_source
    from model_src.serving.on_gpu import OnGpuAlone

    try:
        source: ModelSource = choose_source(model_dir, untrained, options.cache_dir or os.environ.get("AURA_CACHE_DIR"))
    except ValueError as error:
        parser.error(str(error))
    if options.needs_gpu or os.environ.get("AURA_NEEDS_GPU") == "1":
        source = OnGpuAlone(source)
    if threads:
        torch.set_num_threads(threads)
    batch = batch or (GPU_BATCH if best_device() == "cuda" else 1)
    serve(source, ServerSettings(options.host, options.port, batch=batch, api_key=os.environ.get("AURA_API_KEY")))


if __name__ == "__main__":
    main()
