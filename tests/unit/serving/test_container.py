"""The inference image carries all that its server needs, and no weights."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from model_src.serving.package import package_model
from model_src.serving.parity import difference, probabilities
from model_src.serving.predictor import Predictor
from model_src.verdict.scores import Calibration, ChunkScores
from tests.house import HOUSE
from tests.unit.house.carried import installed
from tests.unit.house.test_carried import copied_by
from tests.unit.serving.chunks import make_chunk
from tests.unit.serving.models import small_model
from tests.unit.serving.test_serve import START_SECONDS, serving
from tests.waiting import answers, wait_for

DOCKERFILE = HOUSE / "containers" / "inference" / "Dockerfile"
KEY = "of-this-test"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_packaged_model_is_served_with_nothing_but_what_the_image_installs(tmp_path: Path) -> None:
    """An empty environment, the Dockerfile's own pip line and copies, and then the container's one word: serve."""
    model, chunk = small_model(), make_chunk(2)
    package_model(tmp_path / "model", model, model_version="small", trained=True, calibration=Calibration())
    expected = Predictor(model, model_version="small", trained=True).score_chunk(chunk)
    image = copied_by(DOCKERFILE, tmp_path / "image")
    python = installed(DOCKERFILE, tmp_path / "venv")

    answer: list[httpx.Response] = []
    environment = {"AURA_MODEL_DIR": str(tmp_path / "model"), "AURA_API_KEY": KEY}
    with serving("--threads", "1", python=python, folder=image, **environment) as (child, client):
        wait_for(lambda: answers(f"{client.base_url}/health/ready"), START_SECONDS)
        scores = ChunkScores.model_validate_json(client.post("/invocations", content=chunk.to_bytes()).content)
        assert difference(probabilities(scores), probabilities(expected)).within(2e-2)

        whole = client.post("/infer-video", content=b"any", headers={"X-API-Key": KEY})
        assert (whole.status_code, whole.json()["error"]["code"]) == (501, "not_here")  # nothing in it decodes videos

        long = make_chunk(20).to_bytes()
        last = threading.Thread(target=lambda: answer.append(client.post("/invocations", content=long)))
        last.start()
        time.sleep(0.2)
        child.send_signal(signal.SIGTERM)
        last.join(timeout=60)
        child.wait(timeout=60)
    assert len(ChunkScores.model_validate_json(answer[0].content).windows) == 40
