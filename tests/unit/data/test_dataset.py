"""What is dealt depends on seed, epoch and number alone, and a broken video costs one window, never a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_src.data.batch import collate
from model_src.data.dataset import NothingToLearnFrom, WindowDataset
from model_src.data.order import EpochOrder
from model_src.data.sample import cut_window, fewer_frames, points_in_crop
from tests.unit.data.made_windows import MadeSource, made_video, made_videos
from tests.unit.serving.chunks import make_chunk


def test_an_item_is_the_same_whoever_asks_and_when() -> None:
    videos = made_videos(6)
    once, again = WindowDataset(videos, MadeSource(), seed=5), WindowDataset(videos, MadeSource(), seed=5)
    late = [once[(2, number)][0] for number in range(6)]
    assert [again[(2, number)][0].window for number in reversed(range(6))] == [s.window for s in reversed(late)]
    drawn = {once[(epoch, 0)][0].window for epoch in range(12)}
    assert drawn == {0, 1}


def test_uniform_windows_spread_over_the_video_and_start_at_begins_there() -> None:
    class Long(MadeSource):
        def draw(self, video, choose):  # type: ignore[no-untyped-def]
            chunk = make_chunk(6.0)
            return chunk, choose(12)

    uniform = WindowDataset([made_video(0)], Long(), sampling="uniform", windows_per_video=3)
    assert [uniform[(0, n)][0].window for n in range(3)] == [2, 6, 10]
    later = WindowDataset([made_video(0)], Long(), sampling="start_at", start_at=4.5, windows_per_video=4)
    assert [later[(0, n)][0].window for n in range(4)] == [9, 10, 11, 11]


@pytest.mark.parametrize(
    ("there", "asked", "dealt"), [(4, 8, [0, 1, 2, 3]), (3, 8, [0, 1, 2]), (12, 3, [2, 6, 10]), (5, 4, [0, 1, 3, 4])]
)
def test_a_short_video_is_seen_to_its_end(there: int, asked: int, dealt: list[int]) -> None:
    class Known(MadeSource):
        def count(self, video):  # type: ignore[no-untyped-def]
            return there

        def draw(self, video, choose):  # type: ignore[no-untyped-def]
            return make_chunk(6.0), choose(there)

    dataset = WindowDataset([made_video(0)], Known(), sampling="uniform", windows_per_video=asked)
    assert [dataset[(0, n)][0].window for n in range(len(dataset))] == dealt


def test_an_unreadable_video_is_passed_over_and_counted() -> None:
    dataset = WindowDataset(made_videos(4), MadeSource(unreadable=frozenset({"train_000"})))
    sample = dataset[(0, 0)][0]
    assert (sample.video_id, sample.label, sample.skipped) == ("train_002", 0, ("train_000",))
    nothing = WindowDataset([made_video(0)], MadeSource(unreadable=frozenset({"train_000"})))
    with pytest.raises(NothingToLearnFrom):
        nothing[(0, 0)]


def test_a_video_that_is_checked_on_is_left_out_and_counted_where_it_cannot_be_read_and_no_other_stands_in() -> None:
    source = MadeSource(unreadable=frozenset({"val_000"}))
    check = WindowDataset(made_videos(4, "val"), source, sampling="uniform", windows_per_video=2, checks=True)
    batch = collate(check[(0, number)] for number in range(len(check)))
    assert sorted(batch.video_ids) == sorted(["val_001", "val_002", "val_003"] * 2)
    assert batch.skipped == ["val_000"] * 2
    nothing = collate([check[(0, 0)]])
    assert (len(nothing), nothing.video_ids, nothing.skipped) == (0, [], ["val_000"])


def test_a_sample_holds_its_own_second_of_sound_and_nothing_beyond_the_end() -> None:
    chunk = make_chunk(2.3, start=7.5, seed=4)
    for row, start in enumerate(chunk.window_starts):
        sample = cut_window(chunk, row, made_video(0))
        begin = round((start - 7.5) * 16_000)
        there = chunk.audio[begin : begin + 16_000]
        assert np.array_equal(sample.pcm, np.pad(there, (0, 16_000 - len(there))))
        assert sample.length == len(there)


def test_a_missing_frame_is_masked_and_shows_its_neighbour() -> None:
    chunk = make_chunk(2.0, missing={1})
    sample = cut_window(chunk, 0, made_video(0))
    assert sample.frame_mask.tolist() == [True, False, True, True, True]
    assert np.array_equal(sample.crops[1], sample.crops[0])


def test_points_follow_the_face_into_the_crop() -> None:
    transforms = np.array([[[2, 0, -10], [0, 2, 5]]], np.float32)
    assert points_in_crop(np.array([[[10, 20]]], np.float32), transforms).tolist() == [[[10, 45]]]


def test_how_a_head_turns_in_the_video_is_kept_beside_the_crops_that_were_set_upright() -> None:
    chunk = make_chunk(2.0, missing={1})
    chunk = replace(chunk, points=np.arange(chunk.points.size, dtype=np.float32).reshape(chunk.points.shape))
    sample = cut_window(chunk, 0, made_video(0))
    assert np.array_equal(sample.points_in_video, chunk.points[[0, 0, 1, 2, 3]])
    fewer = fewer_frames(sample, 2, np.random.default_rng(0))
    assert all(any(np.array_equal(kept, given) for given in chunk.points[:4]) for kept in fewer.points_in_video)
    assert len(fewer.points_in_video) == 2


def test_videos_of_unlike_frame_rates_share_a_batch() -> None:
    slow, fast = (cut_window(make_chunk(1.0, rate=rate), 0, made_video(0)) for rate in (5.0, 10.0))
    batch = collate([[slow], [replace(fast, skipped=("x",))]])
    assert batch.crops.shape == (2, 10, 224, 224, 3)
    assert batch.frame_mask.sum(dim=1).tolist() == [5, 10]
    assert batch.skipped == ["x"]
    assert batch.to(torch.device("cpu")).pcm.dtype == torch.int16


def test_an_epoch_can_be_gone_on_with_in_its_middle_and_be_shared() -> None:
    whole = list(EpochOrder(20, 6, epoch=3, seed=1))
    assert len(whole) == 3
    assert list(EpochOrder(20, 6, epoch=3, seed=1, first_step=2)) == whole[2:]
    halves = [list(EpochOrder(20, 6, epoch=3, seed=1, rank=rank, processes=2)) for rank in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*halves, strict=True)] == [sorted(batch) for batch in whole]
    assert sum(map(len, EpochOrder(20, 6, shuffle=False))) == 20


def test_every_epoch_and_every_seed_is_dealt_in_an_order_of_its_own() -> None:
    def dealt(epoch: int, seed: int) -> list[int]:
        return [number for batch in EpochOrder(20, 5, epoch=epoch, seed=seed) for _, number in batch]

    orders = [dealt(0, 0), dealt(1, 0), dealt(0, 1), list(range(20))]
    assert all(sorted(order) == orders[-1] for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_fewer_items_than_a_batch_are_shared_evenly_and_in_order_nobody_is_left_out() -> None:
    halves = [list(EpochOrder(5, 8, rank=rank, processes=2)) for rank in (0, 1)]
    assert [len(batch) for half in halves for batch in half] == [2, 2]
    assert [len(batch) for batch in EpochOrder(7, 3, shuffle=False)] == [3, 3, 1]
    with pytest.raises(ValueError, match="shared evenly"):
        EpochOrder(20, 5, processes=2)
