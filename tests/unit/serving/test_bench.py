"""What `make bench-serve` says follows from what it measured."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from infra.bench.gpu import measure_gpu, shares
from infra.bench.jobs import growth


def test_a_fixed_cost_is_told_apart_from_what_a_second_of_video_costs() -> None:
    flat = {length: 4 + 0.3 * length for length in (10, 30, 120, 600)}
    assert growth(flat) == pytest.approx({"fixed_seconds": 4, "seconds_per_video_second": 0.3, "growth": 0}, abs=1e-9)


def test_a_cost_that_grows_with_the_length_of_the_video_is_not_hidden_by_the_fixed_one() -> None:
    growing = {length: 4 + 0.3 * length for length in (10, 30, 120)} | {600: 4 + 0.3 * 600 * 1.2}
    assert growth(growing)["growth"] == pytest.approx(0.2)


def test_shares_of_a_gpus_time_add_up_and_its_waiting_is_told_apart() -> None:
    kernels = {
        "sm90_xmma_gemm_bf16": 0.3,
        "cudnn::implicit_convolve": 0.1,
        "elementwise_kernel": 0.2,
        "Memcpy HtoD": 0.1,
    }
    assert shares(1.0, kernels, launches=0.2) == {"arithmetic": 0.4, "memory": 0.3, "launch": 0.2, "host": 0.1}
    busy = shares(0.5, kernels, launches=0.2)  # the profiled run was slower than the one that was timed
    assert sum(busy.values()) == pytest.approx(1, abs=2e-3)
    assert (busy["launch"], busy["host"]) == (0, 0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_a_gpu_one_sentence_says_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_gpu(tmp_path, tmp_path) is None
    assert "No CUDA device" in capsys.readouterr().out
