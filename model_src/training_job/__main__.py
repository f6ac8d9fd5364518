"""`python -m model_src.training_job train`: the command of the training container."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from model_src.training.position import STOPPED, Stopped
from model_src.training_job.deliver import deliver
from model_src.training_job.failure import sentence, write_failure
from model_src.training_job.job import extract, learn, read_job
from model_src.training_job.places import ROOT, Places
from model_src.training_job.team import run_team

logger = logging.getLogger(__name__)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m model_src.training_job")
    parser.add_argument("command", choices=["train", "member"], help="the whole job, or one process of its team")
    parser.add_argument("--root", type=Path, default=ROOT, help="what SageMaker calls /opt/ml")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # While learning, SIGTERM saves; before and after there is nothing to save. Process 1 would not even be stopped.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(STOPPED))
    try:
        return train(options.root) if options.command == "train" else member(options.root)
    except Stopped as stopped:
        logger.info("%s", stopped)
        return STOPPED
    except Exception as error:
        logger.exception("the job failed")
        write_failure(Places(options.root), sentence(error))
        return 1


def train(root: Path) -> int:
    Places(root).failure.unlink(missing_ok=True)  # of an attempt before this one
    job = read_job(root, os.environ)
    extract(job)
    if job.cluster.size == 1:
        learn(job)
    else:
        command = [sys.executable, "-m", "model_src.training_job", "member", "--root", str(root)]
        if status := run_team(job.cluster, command):
            if status != STOPPED:
                write_failure(job.places, f"A training process ended with status {status}; the log says why.")
            return status if status == STOPPED else 1
    if job.cluster.leads:
        deliver(job)
    return 0


def member(root: Path) -> int:
    learn(read_job(root, os.environ))
    return 0


if __name__ == "__main__":
    sys.exit(main())
