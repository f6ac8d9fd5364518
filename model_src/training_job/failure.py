"""What went wrong, as the one sentence that the job's FailureReason shows; the traceback is for the log."""

from __future__ import annotations

import logging
import traceback

from model_src.training.foreseen import FORESEEN
from model_src.training_job.places import JobInvalid, Places

logger = logging.getLogger(__name__)
LONGEST = 1024  # characters that SageMaker shows


def sentence(error: BaseException) -> str:
    """An error that was foreseen says itself what to do; of any other, where to look."""
    if isinstance(error, (*FORESEEN, JobInvalid)):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {frame[0].name} ({frame[0].filename.rpartition('/')[2]}, line {frame[0].lineno})" if frame else ""
    first_line = (str(error).strip() or "no message").splitlines()[0]
    return f"The job failed unexpectedly{place}: {type(error).__name__}: {first_line}. The job's log has all of it."


def write_failure(places: Places, text: str) -> None:
    """Whoever comes first knows the cause; of several processes, the others only miss the first one."""
    try:
        places.failure.parent.mkdir(parents=True, exist_ok=True)
        with places.failure.open("x", encoding="utf-8") as file:
            file.write(text[:LONGEST])
    except FileExistsError:
        return
    except OSError as error:  # a folder that is not ours, a full disk: the log has the cause, and this must not hide it
        logger.error("the reason for the failure could not be written to %s: %s", places.failure, error)
