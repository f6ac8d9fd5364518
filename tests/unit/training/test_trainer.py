"""A run learns, leaves checkpoints anybody can use, and can be stopped anywhere without changing what comes out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model_src.data.batch import collate
from model_src.data.dataset import WindowDataset
from model_src.data.sample import cut_window
from model_src.models import build, load_for_inference
from model_src.models.checkpoint import load_checkpoint
from model_src.training.averaging import AveragedWeights
from model_src.training.going_on import CannotResume
from model_src.training.journal import Journal, TrackerMissing
from model_src.training.loading import check_loader
from model_src.training.objective import Objective, run
from model_src.training.position import Diverged, Stopped
from model_src.training.processes import Team
from model_src.training.settings import LogSettings, LossSettings
from model_src.training.trainer import Trainer
from model_src.training.validation import validate
from tests.unit.data.made_windows import MadeSource, made_video, made_videos
from tests.unit.serving.chunks import make_chunk
from tests.unit.training.made_run import learner, settings, trainer


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def weights(run: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_loss_falls_and_the_checkpoint_is_the_contracts(tmp_path: Path) -> None:
    chosen = settings(tmp_path, **{"stop.epochs": 4, "ema": None, "schedule.kind": "constant"})
    run = trainer(chosen)
    with Journal(tmp_path, LogSettings(tensorboard=False), {}) as journal:
        run.fit(journal)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [line["train_main"] for line in lines if line["kind"] == "epoch"]
    assert losses[-1] < 0.7 * losses[0]
    assert {"auc", "val_loss", "share_video", "waiting_share", "samples_per_second"} <= lines[-1].keys()

    saved = load_checkpoint(run.latest)
    fields = {"model_state_dict", "config", "epoch", "metrics", "optimizer_state_dict", "scheduler_state_dict"}
    assert fields | {"git_commit"} <= saved.keys()
    assert run.best.name == f"multimodal_best_{run.position.best_auc:.4f}.pth"
    assert len(list(tmp_path.glob("multimodal_best_*.pth"))) == 1
    assert len(list(tmp_path.glob("multimodal_v1_epoch*_*.pth"))) == 4
    assert load_for_inference(run.best).config == run.model.config


def test_a_validation_says_what_it_could_not_read_and_judges_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = MadeSource(unreadable=frozenset({"val_001"}))
    check = WindowDataset(made_videos(4, "val"), source, sampling="uniform", windows_per_video=2, checks=True)
    chosen = settings(tmp_path, batch_size=1)  # so that some batches hold nothing
    objective = Objective(build(learner(), pretrained=False), chosen.loss)
    found = validate(objective, check_loader(chosen, check, Team()), Team(), nullcontext)
    assert 0 <= found["auc"] <= 1
    assert "validation: 2 windows cannot be read and are left out, of 1 videos, val_001 among them" in caplog.text


def test_attacks_look_for_slopes_in_full_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half precision, the slope of what the model is sure of is nothing."""
    halved: list[bool] = []

    def attacked(_model: object, batch: object, _settings: object) -> object:
        halved.append(torch.is_autocast_enabled("cpu"))
        return batch

    monkeypatch.setattr("model_src.training.trainer.attacked", attacked)
    trainer(settings(tmp_path, **{"stop.epochs": 1, "amp": "bf16"})).fit()
    assert halved
    assert not any(halved)


def test_who_is_told_to_go_while_an_epoch_is_judged_has_kept_the_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spot machine has two minutes, and judging may take longer."""
    unbroken = trainer(settings(tmp_path / "whole"))
    unbroken.fit()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    broken = trainer(settings(tmp_path / "broken"))
    with monkeypatch.context() as patched:
        patched.setattr("model_src.training.trainer.validate", killed)
        with pytest.raises(KeyboardInterrupt):
            broken.fit()
    resumed = trainer(settings(tmp_path / "broken"))
    resumed.resume(broken.latest)
    assert (resumed.position.epoch, resumed.position.step) == (0, broken.position.step)
    resumed.fit()
    assert equal(weights(resumed), weights(unbroken))
    assert resumed.metrics["auc"] == unbroken.metrics["auc"]


@pytest.mark.parametrize("stop_at", [1, 4])
def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(tmp_path: Path, stop_at: int) -> None:
    """With dropout, modality dropout, averaged weights, accumulation and a moving learning rate."""
    changes = {"optimizer.accumulate": 2, "schedule.period": 2}
    unbroken = trainer(settings(tmp_path / "whole", **changes))
    unbroken.fit()

    broken = trainer(settings(tmp_path / "broken", **changes))
    step = broken._step

    def step_until_told(batches):  # type: ignore[no-untyped-def]
        losses = step(batches)
        if broken.position.total_steps + 1 == stop_at:
            broken.request_stop()
        return losses

    broken._step = step_until_told  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        broken.fit()
    torch.manual_seed(99)  # another process has another random state

    resumed = trainer(settings(tmp_path / "broken", **changes))
    resumed.resume(broken.latest)
    assert resumed.position.total_steps == stop_at
    resumed.fit()
    assert equal(weights(resumed), weights(unbroken))
    assert resumed.average is not None
    assert unbroken.average is not None
    assert equal(resumed.average.state, unbroken.average.state)
    timings = {"samples_per_second", "waiting_share"}
    assert {k: v for k, v in resumed.metrics.items() if k not in timings} == {
        k: v for k, v in unbroken.metrics.items() if k not in timings
    }


@pytest.mark.parametrize("kind", ["cosine", "step", "plateau", "constant"])
def test_a_resumed_run_takes_the_new_learning_rate_and_weight_decay(tmp_path: Path, kind: str) -> None:
    changes = {"stop.epochs": 1, "schedule.kind": kind, "schedule.period": 3}
    first = trainer(settings(tmp_path, **changes), count=4)
    first.fit()
    lower = {"optimizer.learning_rate": 5e-4, "optimizer.weight_decay": 0.3}  # a quarter of the rate before
    resumed = trainer(settings(tmp_path, **changes | lower | {"stop.epochs": 2}), count=4)
    resumed.resume(first.latest)
    due = first.optimizer.param_groups[0]["lr"]
    assert [group["lr"] for group in resumed.optimizer.param_groups] == pytest.approx([due / 4] * 2)
    assert [group["weight_decay"] for group in resumed.optimizer.param_groups] == [0.3, 0.0]
    first.schedule.epoch_done(0.0)
    resumed.schedule.epoch_done(0.0)
    assert resumed.optimizer.param_groups[0]["lr"] == pytest.approx(first.optimizer.param_groups[0]["lr"] / 4)


def test_a_run_does_not_go_on_under_settings_that_it_cannot_take_up(tmp_path: Path) -> None:
    first = trainer(settings(tmp_path, **{"stop.epochs": 1}), count=4)
    first.fit()
    other = trainer(settings(tmp_path, **{"batch_size": 2, "ema": None, "schedule.period": 4}), count=4)
    with pytest.raises(CannotResume) as refused:
        other.resume(first.latest)
    for named in ("batch_size 4, not 2", "ema 0.999, not None", "schedule.period 10, not 4"):
        assert named in str(refused.value)
    another = trainer(settings(tmp_path), model=learner(fusion={"kind": "concat"}), count=4)
    with pytest.raises(CannotResume, match=r"model\.fusion\.kind 'cross_modal', not 'concat'"):
        another.resume(first.latest)


def test_a_run_that_goes_on_in_another_folder_has_its_best_and_its_latest_there(tmp_path: Path) -> None:
    first = trainer(settings(tmp_path / "one", **{"stop.epochs": 1}), count=4)
    first.fit()
    other = trainer(settings(tmp_path / "other", **{"stop.epochs": 1}), count=4)
    other.resume(first.latest)
    other.fit()  # there is nothing left to learn
    assert other.best.read_bytes() == first.best.read_bytes()
    assert load_for_inference(other.latest).config == first.model.config

    first.best.unlink()
    alone = trainer(settings(tmp_path / "alone", **{"stop.epochs": 2}), count=4)
    alone.resume(first.latest)
    alone.fit()
    assert alone.best.is_file()


def test_the_same_seed_trains_the_same_model_and_another_seed_another(tmp_path: Path) -> None:
    runs = []
    for number, seed in enumerate((0, 0, 1)):
        run = trainer(settings(tmp_path / str(number), seed=seed, **{"stop.epochs": 1}), count=8)
        run.fit()
        runs.append(run)
    assert equal(weights(runs[0]), weights(runs[1]))
    assert not equal(weights(runs[0]), weights(runs[2]))


def test_a_frozen_normalisation_keeps_its_statistics(tmp_path: Path) -> None:
    model = learner(video={"backbone": "test_efficientnet", "frame_size": 224})
    run = trainer(settings(tmp_path, **{"freeze_batch_norm": True, "stop.epochs": 1}), model=model, count=4)
    before = weights(run)
    run.fit()
    after = weights(run)
    statistics = [name for name in before if name.endswith("running_mean")]
    assert statistics
    assert all(torch.equal(before[name], after[name]) for name in statistics)


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    run = trainer(
        settings(tmp_path, **{"stop.epochs": 9, "stop.patience": 1, "optimizer.learning_rate": 1e-9}), count=4
    )
    run.fit()
    assert run.position.epoch == 2


def test_half_precision_and_recomputed_activations_train_too(tmp_path: Path) -> None:
    run = trainer(settings(tmp_path, amp="bf16", gradient_checkpointing=True, **{"stop.epochs": 1}), count=4)
    run.fit()
    assert run.position.total_steps == 1


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    run = trainer(settings(tmp_path))
    with torch.no_grad():
        run.model.fused_head.output.bias.fill_(float("nan"))
    with pytest.raises(Diverged, match="lower the learning rate"):
        run.fit()


@pytest.mark.parametrize(
    ("bias", "complaint", "kept"),
    [
        ([0.0, float("nan")], "weights are no numbers", set()),
        ([-3e38, 3e38], "validation videos is no number", {"multimodal_latest.pth"}),
    ],
)
def test_a_model_whose_answers_are_no_numbers_is_never_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bias: list[float], complaint: str, kept: set[str]
) -> None:
    """Among scores, what is no number would rank highest."""

    def last_step(run: Trainer, _: object) -> None:
        with torch.no_grad():
            run.model.fused_head.output.bias.copy_(torch.tensor(bias))

    monkeypatch.setattr(Trainer, "_learn_epoch", last_step)
    with pytest.raises(Diverged, match=complaint):
        trainer(settings(tmp_path, ema=None), count=4).fit()
    assert {file.name for file in tmp_path.iterdir()} == kept


def test_a_tracker_that_is_not_installed_names_its_package(tmp_path: Path) -> None:
    with pytest.raises(TrackerMissing, match="pip install wandb"):
        Journal(tmp_path, LogSettings(tensorboard=False, wandb=True), {})


def test_the_temporal_loss_joins_when_the_model_asks_for_it(tmp_path: Path) -> None:
    model = learner(fusion={"temporal_consistency_loss": {"enabled": True, "weight": 0.1}})
    run = trainer(settings(tmp_path, **{"stop.epochs": 1}), model=model, count=4)
    run.fit()
    assert run.metrics["train_temporal"] > 0
    assert run.metrics["share_temporal"] == pytest.approx(
        0.1 * run.metrics["train_temporal"] / run.metrics["train_main"]
    )


def test_the_average_follows_the_model_which_wears_it_and_then_its_own_again() -> None:
    model = torch.nn.BatchNorm1d(1)  # one weight of 1, and a counter that cannot be averaged
    average = AveragedWeights(model, decay=0.5)
    with torch.no_grad():
        model.weight.fill_(3)
        assert model.num_batches_tracked is not None
        model.num_batches_tracked.fill_(7)
    average.update(model)
    expected = 1 * 2 / 11 + 3 * 9 / 11  # of the first step, in which it follows faster
    assert (average.state["weight"].item(), average.state["num_batches_tracked"].item()) == pytest.approx((expected, 7))
    with average.worn_by(model):
        assert model.weight.item() == pytest.approx(expected)
    assert model.weight.item() == 3


@pytest.mark.parametrize(("seen", "heard"), [(0, 1), (1, 0)])
def test_each_modality_is_taught_by_its_own_label_where_it_is_there(seen: int, heard: int) -> None:
    video = made_video(0, label=1, video_label=seen, audio_label=heard)
    speaks, mute = make_chunk(1.0), make_chunk(1.0, sound=False)
    batch = collate([[cut_window(chunk, 0, video)] for chunk in (speaks, mute)])
    objective = Objective(build(learner(), pretrained=False, seed=0), LossSettings(label_smoothing=0)).eval()
    windows = run(objective.model, batch).windows
    _, losses, _ = objective(batch)
    assert windows.video is not None
    assert windows.audio is not None
    torch.testing.assert_close(losses["video"], -windows.video.log_softmax(-1)[:, seen].mean())
    torch.testing.assert_close(losses["audio"], -windows.audio.log_softmax(-1)[0, heard] / 2)


def test_validation_videos_of_one_class_are_refused_before_the_run(tmp_path: Path) -> None:
    learn = WindowDataset(made_videos(4), MadeSource())
    check = WindowDataset([made_video(0, "val"), made_video(2, "val")], MadeSource(), sampling="uniform")
    with pytest.raises(ValueError, match="must be real and fake"):
        Trainer(settings(tmp_path), build(learner(), pretrained=False), learn, check)
