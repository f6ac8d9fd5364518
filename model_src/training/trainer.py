"""The training loop: steps, validation, checkpoints, and going on exactly where a run was stopped."""

from __future__ import annotations

import math
import shutil
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from model_src.data.batch import Batch
from model_src.data.dataset import NothingToLearnFrom, WindowDataset
from model_src.models import MultimodalModel
from model_src.models.checkpoint import LATEST_NAME, best_checkpoint_name, checkpoint_name, load_checkpoint
from model_src.training.adversarial import attacked
from model_src.training.averaging import AveragedWeights
from model_src.training.chance import random_state, restore_random_state, seed_everything
from model_src.training.commit import git_commit
from model_src.training.going_on import CannotResume, fixed, refuse_others
from model_src.training.journal import Journal
from model_src.training.loading import check_loader, loader, order_of
from model_src.training.objective import Objective
from model_src.training.optimization import Schedule, build_optimizer, take_up_anew
from model_src.training.position import Diverged, Position, Stopped
from model_src.training.processes import Team
from model_src.training.recompute_activations import recompute_activations
from model_src.training.settings import TrainSettings
from model_src.training.validation import refuse_one_class, validate

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Trainer:
    def __init__(
        self,
        settings: TrainSettings,
        model: MultimodalModel,
        learn: WindowDataset,
        check: WindowDataset,
        team: Team | None = None,
    ) -> None:
        refuse_one_class(check)
        self.settings, self.team = settings, team or Team()
        seed_everything(settings.seed + self.team.rank)  # no two processes drop the same units
        self.model = model.to(self.team.device)
        self.learn, self.check = learn, check
        if settings.gradient_checkpointing:
            recompute_activations(self.model)
        self.objective = self.team.share(Objective(self.model, settings.loss, self.team).to(self.team.device))
        self.optimizer = build_optimizer(self.model, settings.optimizer)
        self.schedule = Schedule(self.optimizer, settings.schedule)
        self.scaler = torch.amp.GradScaler(self.team.device.type, enabled=settings.amp == "fp16")
        self.average = None if settings.ema is None else AveragedWeights(self.model, settings.ema)
        self.position = Position()
        self.metrics: dict[str, float] = {}
        self.commit = git_commit()
        self._stop = False

    def request_stop(self) -> None:
        """Stop after the step that is running; may be called from a signal handler."""
        self._stop = True

    @property
    def latest(self) -> Path:
        return self.settings.keep.folder / LATEST_NAME

    @property
    def best(self) -> Path:
        return self.settings.keep.folder / best_checkpoint_name(self.position.best_auc)

    def fit(self, journal: Journal | None = None) -> Position:
        while self.position.epoch < self.settings.stop.epochs and not self._patience_is_gone():
            self._learn_epoch(journal)
            self._end_epoch(journal)
        return self.position

    # --- one epoch ---------------------------------------------------------------------------------------------------

    def _learn_epoch(self, journal: Journal | None) -> None:
        position, parts = self.position, self.settings.optimizer.accumulate
        order = order_of(self.settings, len(self.learn), self.position, self.team)
        steps = order.steps // parts
        if steps == 0:
            few = f"{len(self.learn)} windows are too few for one step of {self.settings.batch_size}"
            raise NothingToLearnFrom(f"{few} in {parts} parts: lower batch_size or optimizer.accumulate")
        self._set_training_mode()
        batches = iter(loader(self.settings, self.learn, order, self.team))
        begun, waited, seen = time.perf_counter(), 0.0, 0
        bar = tqdm(
            total=steps, initial=position.step, desc=f"epoch {position.epoch + 1}", disable=not self.team.leads,
            leave=False,
        )  # fmt: skip
        with bar:
            while position.step < steps:
                asked = time.perf_counter()
                together = [next(batches) for _ in range(parts)]
                waited += time.perf_counter() - asked
                losses = self._step(together)
                seen += sum(len(batch) for batch in together)
                position.step += 1
                position.total_steps += 1
                for name, value in losses.items():
                    position.sums[name] = position.sums.get(name, 0.0) + value
                bar.update()
                bar.set_postfix(loss=f"{losses['total']:.3f}")
                if journal:
                    journal.write("step", position.total_steps, losses)
                self._save_within_epoch()
        spent = time.perf_counter() - begun
        if seen:
            self.metrics = {"samples_per_second": seen / spent, "waiting_share": waited / spent}

    def _step(self, together: list[Batch]) -> dict[str, float]:
        """One update of the weights from one or several batches."""
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for number, batch in enumerate(together):
            self.position.skipped += len(batch.skipped)
            batch = batch.to(self.team.device)
            last = number == len(together) - 1
            quiet = nullcontext() if last or self.team.size == 1 else self.objective.no_sync()  # type: ignore[operator]
            with quiet:
                batch = attacked(self.model, batch, self.settings.adversarial)  # half precision shows no small slope
                with self._precision():
                    total, losses, _ = self.objective(batch)
                self.scaler.scale(total / len(together)).backward()
            for name, value in ({"total": total} | losses).items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(together)
        if not math.isfinite(sums["total"]):
            raise Diverged(
                f"the loss is {sums['total']} at step {self.position.total_steps + 1}: lower the learning rate"
            )
        if self.settings.optimizer.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.optimizer.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update(self.model)
        return sums

    def _end_epoch(self, journal: Journal | None) -> None:
        position = self.position
        self.save(self.latest)  # whoever is told to go while it is being judged has learnt this much
        steps = max(position.step, 1)
        losses = {name: value / steps for name, value in position.sums.items()}
        objective = self.objective if isinstance(self.objective, Objective) else self.objective.module
        assert isinstance(objective, Objective)
        with self.average.worn_by(self.model) if self.average else nullcontext():
            found = validate(objective, check_loader(self.settings, self.check, self.team), self.team, self._precision)
        self.metrics |= {f"train_{name}": value for name, value in losses.items()} | objective.shares(losses)
        self.metrics |= found | {"skipped": position.skipped, "learning_rate": self.optimizer.param_groups[0]["lr"]}
        self.schedule.epoch_done(found["auc"])
        better = found["auc"] > position.best_auc
        old_best = self.best
        position.stale_epochs = 0 if better else position.stale_epochs + 1
        if better:
            position.best_auc, position.best_epoch = found["auc"], position.epoch
        position.epoch, position.step, position.sums, position.skipped = position.epoch + 1, 0, {}, 0
        if journal:
            journal.write("epoch", position.epoch, self.metrics)
        if better and self.team.leads:
            old_best.unlink(missing_ok=True)
        every = position.epoch % self.settings.keep.every_epochs == 0
        kept = [self.settings.keep.folder / checkpoint_name(position.epoch, found["auc"])] if every else []
        self.save(*([self.best] if better else []), *kept, self.latest)

    def _patience_is_gone(self) -> bool:
        patience = self.settings.stop.patience
        return patience is not None and self.position.stale_epochs >= patience

    def _set_training_mode(self) -> None:
        self.objective.train()
        if self.settings.freeze_batch_norm:
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _precision(self) -> Any:
        if self.settings.amp == "off":
            return nullcontext()
        return torch.autocast(self.team.device.type, PRECISIONS[self.settings.amp])

    # --- on disk -----------------------------------------------------------------------------------------------------

    def _save_within_epoch(self) -> None:
        every = self.settings.keep.every_steps
        stop = self.team.any(self._stop)
        if stop or (every and self.position.total_steps % every == 0):
            self.save(self.latest)
        if stop:
            raise Stopped(f"stopped at step {self.position.total_steps}; {self.latest} has everything to go on from")

    def save(self, *paths: Path) -> None:
        """All of the team come, each with its own chances; the one that leads writes. What diverged replaces nothing.

        `model_state_dict` is what was validated: the averaged weights where there is an average.
        """
        if self.team.any(not all(bool(value.isfinite().all()) for value in self.model.state_dict().values())):
            raise Diverged(f"weights are no numbers after step {self.position.total_steps}: lower the learning rate")
        chances = self.team.gather([random_state()])
        for path in paths if self.team.leads else ():
            self.model.save_checkpoint(
                path,
                epoch=self.position.epoch,
                metrics=self.metrics,
                optimizer_state=self.optimizer.state_dict(),
                scheduler_state=self.schedule.state_dict(),
                git_commit=self.commit,
                model_state=None if self.average is None else self.average.state,
                training_state={
                    "position": dict(vars(self.position)),
                    "fixed": fixed(self.settings, self.model.config),
                    "learning_rate": self.settings.optimizer.learning_rate,
                    "random": chances,
                    "scaler": self.scaler.state_dict(),
                    "averaged_steps": None if self.average is None else self.average.steps,
                    "learning_weights": None if self.average is None else self.model.state_dict(),
                },
            )

    def resume(self, path: Path) -> None:
        """Go on as if the run that wrote the checkpoint had never been stopped, at the learning rate of now."""
        saved = load_checkpoint(path)
        state = saved.get("training_state") or {}
        if "fixed" not in state:
            raise CannotResume(f"{path} has weights and no state of a run that this version can go on from")
        refuse_others(path, state["fixed"], fixed(self.settings, self.model.config))
        weights: dict[str, Tensor] = saved["model_state_dict"]
        if self.average is not None:
            self.average.go_on_from(weights, state["averaged_steps"])
            weights = state["learning_weights"]
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(saved["optimizer_state_dict"])
        self.schedule.load_state_dict(saved["scheduler_state_dict"])
        take_up_anew(self.optimizer, self.schedule, self.settings.optimizer, state["learning_rate"])
        if state["scaler"]:  # else the run was in another precision until now
            self.scaler.load_state_dict(state["scaler"])
        self.metrics = dict(saved["metrics"])
        self.position = Position(**state["position"])
        if self.team.rank < len(state["random"]):  # else the team has grown, and this one is new
            restore_random_state(state["random"][self.team.rank])
        self._move_in(path.parent)

    def _move_in(self, folder: Path) -> None:
        """A run that goes on in another folder takes its best along. One whose best is gone has to find a new one."""
        best = folder / self.best.name
        if self.team.leads and best.is_file() and not self.best.is_file():
            self.best.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(best, self.best)
        if not self.team.any(self.best.is_file()):
            self.position.best_auc, self.position.best_epoch, self.position.stale_epochs = -math.inf, -1, 0
        if not self.team.any(self.latest.is_file()):
            self.save(self.latest)
