"""An attack stays within its bounds, finds what fools the model, and learning from it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_src.data.batch import Batch
from model_src.models import MultimodalModel, build
from model_src.studies.attack import Attacked, attack, table_of
from model_src.studies.epsilon_curve import epsilon_curve
from model_src.training.adversarial import attacked, loss_of_crops
from model_src.training.pixel_attack import fgsm, pgd
from model_src.training.settings import AdversarialSettings
from tests.unit.studies.made_study import CHEAP, UNSEEN, trained, unseen_batch
from tests.unit.training.made_run import learner


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MultimodalModel:
    return trained(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def batch() -> Batch:
    """With pictures at both ends of what a pixel can be."""
    found = unseen_batch()
    crops = found.crops.clone()
    crops[0], crops[1] = 0, 255
    return replace(found, crops=crops)


@pytest.mark.parametrize("epsilon", [1.0, 2.0, 4.0, 8.0, 12.75])
def test_no_pixel_moves_further_than_epsilon_nor_leaves_what_a_picture_can_hold(
    model: MultimodalModel, batch: Batch, epsilon: float
) -> None:
    loss_of, crops = loss_of_crops(model, batch), batch.crops.float()
    for changed in (fgsm(loss_of, crops, epsilon), pgd(loss_of, crops, epsilon, steps=3, step=epsilon)):
        assert (changed - crops).abs().max() == epsilon
        assert changed.min() >= 0
        assert changed.max() <= 255


def test_an_attack_of_size_zero_changes_nothing(model: MultimodalModel, batch: Batch) -> None:
    loss_of, crops = loss_of_crops(model, batch), batch.crops.float()
    assert torch.equal(fgsm(loss_of, crops, 0.0), crops)
    assert torch.equal(pgd(loss_of, crops, 0.0), crops)


def test_pgd_hurts_at_least_as_much_as_fgsm_and_that_at_least_as_much_as_nothing(model: MultimodalModel) -> None:
    batch = unseen_batch()
    loss_of, crops = loss_of_crops(model, batch), batch.crops.float()
    for epsilon in (2.0, 8.0):
        with torch.no_grad():
            nothing = loss_of(crops).mean()
        once, often = fgsm(loss_of, crops, epsilon), pgd(loss_of, crops, epsilon, steps=5)
        with torch.no_grad():
            assert nothing < loss_of(once).mean() <= loss_of(often).mean()


def test_the_curve_begins_unharmed_and_falls(model: MultimodalModel, tmp_path: Path) -> None:
    rows = attack(model, [unseen_batch()], UNSEEN, epsilons=(2.0, 8.0), steps=4, resamples=20)
    assert [(row.kind, row.epsilon) for row in rows] == [
        ("clean", 0), ("FGSM", 2), ("FGSM", 8), ("PGD", 2), ("PGD", 8)
    ]  # fmt: skip
    auc = [row.found.auc for row in rows]
    assert auc[0] is not None
    assert auc[0] > 0.95
    assert auc[4] is not None
    assert auc[4] < 0.5
    assert all(row.largest <= row.epsilon for row in rows)
    table = table_of(rows, "under attack")
    table.write(tmp_path, "attack")
    epsilon_curve("AUC under attack", rows).save(tmp_path / "attack.png")
    assert len((tmp_path / "attack.csv").read_text().splitlines()) == 6
    assert (tmp_path / "attack.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_that_does_not_look_is_not_attacked_through_the_picture(batch: Batch) -> None:
    deaf = build(learner(**CHEAP, enable_video=False), pretrained=False)
    with pytest.raises(ValueError, match="no pixels to attack"):
        loss_of_crops(deaf, batch)


def test_the_asked_share_of_a_batch_is_attacked_and_the_model_learns_on_as_before(batch: Batch) -> None:
    model = build(learner(**CHEAP, enable_audio=False), pretrained=False).train()
    frozen = model.video_head.eval()
    changed = attacked(model, batch, AdversarialSettings(share=0.25, epsilon=4.0))
    moved = (changed.crops - batch.crops.float()).abs().flatten(1).amax(dim=1)  # [B]
    assert moved[:6].tolist() == [4.0] * 6
    assert moved[6:].eq(0).all()
    assert model.training
    assert not frozen.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert attacked(model, batch, AdversarialSettings()) is batch


@pytest.mark.timeout(300)  # it trains two models
def test_a_model_that_learnt_from_attacks_resists_them_better(model: MultimodalModel, tmp_path: Path) -> None:
    hardened = trained(tmp_path, **{"adversarial.share": 0.5, "adversarial.epsilon": 4.0})

    def under_attack(tried: MultimodalModel) -> dict[str, Attacked]:
        rows = attack(tried, [unseen_batch()], UNSEEN, epsilons=(4.0, 8.0), steps=4, resamples=2)
        return {f"{row.kind} {row.epsilon:g}": row for row in rows}

    plain, hard = under_attack(model), under_attack(hardened)
    assert hard["clean 0"].accuracy > 0.9
    assert hard["FGSM 8"].accuracy > plain["FGSM 8"].accuracy + 0.1
    assert hard["PGD 4"].accuracy > plain["PGD 4"].accuracy + 0.3
