"""Weights on disk: what was saved comes back, and nothing in a file can run."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model_src.models import MultimodalModel, build, load_for_inference, save_checkpoint, save_for_serving
from model_src.models.checkpoint import CheckpointUnreadable, best_checkpoint_name, checkpoint_name, load_checkpoint
from tests.unit.models.tiny import tiny_config, tiny_sound, tiny_video


@pytest.fixture
def model() -> MultimodalModel:
    return build(tiny_config(), pretrained=False, seed=5).eval()


def same(one: MultimodalModel, other: MultimodalModel) -> bool:
    """The same weights to the bit, and the same answers but for the order of sums: torch takes other kernels then."""
    theirs, mine = one.state_dict(), other.state_dict()
    with torch.no_grad():
        answers = one(tiny_video(), tiny_sound()), other(tiny_video(), tiny_sound())
    return all(torch.equal(mine[name], theirs[name]) for name in mine | theirs) and torch.allclose(*answers, atol=1e-6)


def test_a_served_model_answers_as_the_saved_one(model: MultimodalModel, tmp_path: Path) -> None:
    save_for_serving(tmp_path / "model.safetensors", model)
    served = load_for_inference(tmp_path / "model.safetensors")
    assert served.config == model.config
    assert same(served, model)
    assert not served.training
    assert not any(parameter.requires_grad for parameter in served.parameters())


def test_a_folder_is_served_by_the_file_in_it(model: MultimodalModel, tmp_path: Path) -> None:
    save_for_serving(tmp_path / "model.safetensors", model)
    assert same(load_for_inference(tmp_path), model)


def test_a_training_checkpoint_can_be_served_too(model: MultimodalModel, tmp_path: Path) -> None:
    model.save_checkpoint(tmp_path / "epoch.pth", epoch=1, metrics={})
    assert same(MultimodalModel.load_for_inference(tmp_path / "epoch.pth"), model)


def test_training_goes_on_where_it_stopped(model: MultimodalModel, tmp_path: Path) -> None:
    optimizer = torch.optim.AdamW(model.fused_head.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    model.outputs(tiny_video(), tiny_sound()).windows.fused.sum().backward()
    optimizer.step()
    scheduler.step()
    path = tmp_path / checkpoint_name(3, 0.91234)
    save_checkpoint(
        path,
        model,
        epoch=3,
        metrics={"auc": 0.91234},
        optimizer_state=optimizer.state_dict(),
        scheduler_state=scheduler.state_dict(),
        git_commit="abc",
    )
    loaded = load_checkpoint(path)
    assert set(loaded) == {
        "model_state_dict",
        "config",
        "epoch",
        "metrics",
        "optimizer_state_dict",
        "scheduler_state_dict",
        "git_commit",
        "training_state",
    }
    assert (loaded["epoch"], loaded["metrics"], loaded["git_commit"]) == (3, {"auc": 0.91234}, "abc")
    again = torch.optim.AdamW(model.fused_head.parameters(), lr=1.0)
    again.load_state_dict(loaded["optimizer_state_dict"])
    assert again.param_groups[0]["lr"] == scheduler.get_last_lr()[0]
    assert torch.equal(again.state_dict()["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])


def test_checkpoints_are_called_as_the_contract_says() -> None:
    assert checkpoint_name(12, 0.98765) == "multimodal_v1_epoch12_0.9877.pth"
    assert best_checkpoint_name(0.5) == "multimodal_best_0.5000.pth"


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return builtins.exec, ("raise SystemExit('code of the file ran')",)

    torch.save({"model_state_dict": {}, "config": Hostile()}, tmp_path / "hostile.pth")
    with pytest.raises(CheckpointUnreadable, match=r"hostile\.pth is no complete checkpoint") as refused:
        load_for_inference(tmp_path / "hostile.pth")
    assert "weights_only" not in str(refused.value), "nobody is told how to run it after all"


def test_a_checkpoint_that_is_not_written_to_its_end_leaves_the_one_before(
    model: MultimodalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "latest.pth"
    save_checkpoint(path, model, epoch=1, metrics={})

    def full_disk(_: object, unfinished: Path) -> None:
        unfinished.write_bytes(b"the first half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(path, model, epoch=2, metrics={})
    assert load_checkpoint(path)["epoch"] == 1


@pytest.mark.parametrize("name", ["weights.pth", "model.safetensors"])
def test_a_file_that_is_cut_off_empty_or_something_else_is_named(
    model: MultimodalModel, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    if path.suffix == ".pth":
        save_checkpoint(path, model, epoch=0, metrics={})
    else:
        save_for_serving(path, model)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"some text\n" * 9):
        path.write_bytes(content)
        with pytest.raises(CheckpointUnreadable, match=f"{path} is no complete checkpoint"):
            load_for_inference(path)


def test_a_file_of_bare_tensors_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "foreign.pth")
    with pytest.raises(CheckpointUnreadable, match=r"foreign\.pth is no complete checkpoint"):
        load_checkpoint(tmp_path / "foreign.pth")


def test_weights_without_a_configuration_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match="carries no configuration"):
        load_for_inference(tmp_path / "foreign.safetensors")


def test_weights_that_do_not_fit_their_configuration_are_refused(model: MultimodalModel, tmp_path: Path) -> None:
    path = tmp_path / "short.pth"
    save_checkpoint(path, model, epoch=0, metrics={})
    content = load_checkpoint(path)
    del content["model_state_dict"]["fused_head.output.bias"]
    torch.save(content, path)
    with pytest.raises(RuntimeError, match=r"fused_head\.output\.bias"):
        load_for_inference(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no weights at .*model\.safetensors"):
        load_for_inference(tmp_path)
