"""What does not learn may run elsewhere: same numbers, same gradients for what learns."""

from __future__ import annotations

import torch

from model_src.config.schema import VideoConfig
from model_src.models.video_encoder import VideoEncoder
from model_src.training.frozen_prefix import speed_up


def encoder(frozen_stages: int) -> VideoEncoder:
    torch.manual_seed(0)
    config = VideoConfig(backbone="tf_efficientnet_lite0", frame_size=64, frozen_stages=frozen_stages)
    return VideoEncoder(config).eval()


def test_the_cut_backbone_gives_the_same_embeddings_and_gradients() -> None:
    frames = torch.randn(3, 3, 64, 64)
    whole, cut = encoder(5), encoder(5)
    assert speed_up(cut)
    for model in (whole, cut):
        model(frames).embeddings.square().sum().backward()
    assert torch.allclose(whole(frames).embeddings, cut(frames).embeddings, atol=1e-4)
    ours, theirs = (
        {name: weight.grad.flatten() for name, weight in model.named_parameters() if weight.grad is not None}
        for model in (cut, whole)
    )
    assert ours.keys() == theirs.keys()
    one, other = (torch.cat(list(gradients.values())) for gradients in (ours, theirs))
    # A last digit may put a value on the other side of a ReLU: single gradients differ, their direction does not.
    assert torch.cosine_similarity(one, other, dim=0) > 0.99
    assert abs(one.norm() / other.norm() - 1) < 0.02


def test_the_weights_stay_where_they_were() -> None:
    """A checkpoint of the cut backbone is a checkpoint."""
    whole, cut = encoder(5), encoder(5)
    speed_up(cut)
    assert cut.state_dict().keys() == whole.state_dict().keys()


def test_a_backbone_that_learns_from_its_first_layer_is_left_whole() -> None:
    assert not speed_up(encoder(0))


def test_a_whole_frozen_backbone_gives_the_same_regions() -> None:
    torch.manual_seed(0)
    config = VideoConfig(backbone="tf_efficientnet_lite0", frozen_stages="all", pooling="regions", region_stages=2)
    whole = VideoEncoder(config).eval()
    cut = VideoEncoder(config).eval()
    cut.load_state_dict(whole.state_dict())
    assert speed_up(cut)
    frames = torch.randn(2, 3, 224, 224)
    torch.testing.assert_close(cut(frames).embeddings, whole(frames).embeddings, atol=1e-3, rtol=1e-3)
    assert cut.state_dict().keys() == whole.state_dict().keys()
