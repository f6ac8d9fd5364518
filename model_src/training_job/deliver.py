"""From the best checkpoint to what the inference container serves: calibrated, judged, described, packaged."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

from model_src.data.video import Split
from model_src.evaluation.calibrate_model import calibrate_model
from model_src.evaluation.evaluate import evaluate, rows_of
from model_src.evaluation.model_card import NAME as CARD
from model_src.evaluation.model_card import Facts, model_card
from model_src.evaluation.report import write_report
from model_src.evaluation.score import Scored, score_split
from model_src.models import load_for_inference
from model_src.models.checkpoint import LATEST_NAME, best_checkpoint_name, load_checkpoint
from model_src.models.device import best_device
from model_src.serving.package import package_model
from model_src.serving.predictor import Predictor
from model_src.training_job.in_service import beside_the_one_in_service
from model_src.training_job.job import Job
from model_src.training_job.metric_lines import say_judged
from model_src.training_job.places import JobInvalid
from model_src.verdict.scores import Calibration

CONFIG, REPORT = "config.json", "evaluation.json"
logger = logging.getLogger(__name__)


def deliver(job: Job) -> None:
    best = best_checkpoint(job.places.checkpoints)
    saved = load_checkpoint(best)
    version = job.name or best.stem
    predictor = Predictor(load_for_inference(best), model_version=version, trained=True, device=best_device())
    fitted_on, left_out = score_split(predictor, job.videos, "val", job.store)
    calibration = calibrate(fitted_on)
    judged_on: Split = "test" if has_both(job, "test") else "val"
    judged = fitted_on
    if judged_on == "test":
        judged, left_out = score_split(predictor, job.videos, "test", job.store)
    results = None
    if both_classes(judged):
        judged = [with_calibration(entry, calibration) for entry in judged]
        results = evaluate(judged, left_out)
        if judged_on == "test":
            if job.in_service is not None:
                results["in_service"] = beside_the_one_in_service(job.in_service, judged, job.store)
            say_judged(results)
        write_report(job.places.report, results, rows_of(judged))

    model = load_for_inference(best)  # on the processor, where it is exported
    facts = Facts(
        model_version=version,
        config=model.config,
        videos=job.videos,
        settings=job.settings,
        epoch=int(saved["epoch"]),
        training_metrics=saved["metrics"],
        commit=saved["git_commit"],
        calibration=calibration,
        results=results,
        judged_on=judged_on,
    )
    papers = {CONFIG: model.config.model_dump_json(indent=2), CARD: model_card(facts)}
    if results is not None:
        papers[REPORT] = json.dumps(results, indent=2, allow_nan=False)
    for name, text in papers.items():
        (job.places.model / name).write_text(text + "\n", encoding="utf-8")
    package_model(
        job.places.model, model, model_version=version, trained=True, calibration=calibration, papers=tuple(papers)
    )
    logger.info("%s is packaged in %s", version, job.places.model)


def best_checkpoint(folder: Path) -> Path:
    """The one that the latest checkpoint calls the best: the folder may hold others of other runs."""
    auc = load_checkpoint(folder / LATEST_NAME)["training_state"]["position"]["best_auc"]
    best = folder / best_checkpoint_name(auc)
    if not math.isfinite(auc) or not best.is_file():
        raise JobInvalid(f"{folder} holds no {best.name}, the best checkpoint of the run: was it deleted?")
    return best


def calibrate(scored: list[Scored]) -> Calibration:
    """Without both classes (a run that forges its own fakes) nothing can be fitted; the card says so."""
    if not both_classes(scored):
        logger.warning("not calibrated: the validation videos that could be scored are of one class")
        return Calibration()
    found = calibrate_model(scored)
    if found.warning:
        logger.warning(found.warning)
    return found.calibration


def with_calibration(entry: Scored, calibration: Calibration) -> Scored:
    changes: dict[str, Any] = {"calibration": calibration}
    return Scored(entry.video, entry.group, entry.scores.model_copy(update=changes))


def both_classes(scored: list[Scored]) -> bool:
    return len({entry.video.label for entry in scored}) == 2


def has_both(job: Job, split: Split) -> bool:
    return len({video.label for video in job.videos if video.split == split}) == 2
