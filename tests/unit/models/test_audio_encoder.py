"""From sound to embeddings: the locked encoder's size, what of it learns, silence, and lengths that differ."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from model_src.config.schema import AudioConfig
from model_src.models import MultimodalModel
from model_src.models.audio_encoder import Wav2Vec2AudioEncoder
from model_src.models.inputs import waveform_from_pcm
from tests.unit.models.tiny import HEARING, tiny_sound

# One transformer block of wav2vec2-base: four projections, two layers of 3072, two normalisations.
BLOCK = 4 * (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768) + 2 * 2 * 768


def encoder(**changes: Any) -> Wav2Vec2AudioEncoder:
    free = {"checkpoint": None, "architecture": HEARING, "frozen_blocks": 0, "freeze_feature_extractor": False}
    return Wav2Vec2AudioEncoder(AudioConfig.model_validate(free | {"output_dim": 24} | changes)).eval()


def test_wav2vec2_base_has_94_4_million_parameters(contract_v1: MultimodalModel) -> None:
    assert sum(parameter.numel() for parameter in contract_v1.audio_encoder.model.parameters()) == 94_371_712


def test_a_second_gives_49_steps_of_768_projected_to_512(contract_v1: MultimodalModel) -> None:
    audio = contract_v1.audio_encoder
    with torch.no_grad():
        assert audio.model(tiny_sound(1)).last_hidden_state.shape == (1, 49, 768)
        embeddings, mask = audio(tiny_sound(1))
    assert embeddings.shape == (1, 49, 512)
    assert mask.shape == (1, 49)


def test_with_8_blocks_frozen_the_last_4_and_the_projection_learn(contract_v1: MultimodalModel) -> None:
    audio = contract_v1.audio_encoder
    learning = {name for name, parameter in audio.named_parameters() if parameter.requires_grad}
    blocks = {int(name.split(".")[3]) for name in learning if name.startswith("model.encoder.layers.")}
    assert blocks == {8, 9, 10, 11}
    count = sum(parameter.numel() for parameter in audio.parameters() if parameter.requires_grad)
    assert count == 4 * BLOCK + 768 * 512 + 512 == 28_745_216


def test_an_encoder_that_learns_from_scratch_learns_as_a_whole() -> None:
    frozen = {name for name, parameter in encoder().named_parameters() if not parameter.requires_grad}
    assert frozen == {"model.masked_spec_embed"}  # of SpecAugment, which is off


def test_the_frozen_part_gives_the_same_in_training_as_in_use() -> None:
    audio = encoder(frozen_blocks=3, freeze_feature_extractor=True)
    sound = tiny_sound()
    calm = audio(sound).embeddings
    torch.testing.assert_close(audio.train()(sound).embeddings, calm)
    assert calm.requires_grad  # the projection still learns


def test_blocks_that_learn_use_dropout_in_training() -> None:
    audio, sound = encoder().train(), tiny_sound()
    assert not torch.allclose(audio(sound).embeddings, audio(sound).embeddings)


@pytest.mark.parametrize("kind", ["hubert", "wavlm"])
def test_relatives_of_wav2vec2_fit_in(kind: str) -> None:
    audio = encoder(architecture=HEARING | {"model_type": kind}, frozen_blocks=2, freeze_feature_extractor=True)
    with torch.no_grad():
        assert audio(tiny_sound()).embeddings.shape == (2, 49, 24)


def test_silence_is_masked_and_speech_is_not() -> None:
    voice = torch.zeros(2, 50, dtype=torch.bool)
    voice[0, 10:20] = True
    mask = encoder()(tiny_sound(), voice).mask
    assert mask[0].nonzero().squeeze(1).tolist() == list(range(10, 20))
    assert not mask[1].any()


def test_without_voice_activity_all_sound_counts() -> None:
    assert encoder()(tiny_sound()).mask.all()


def test_padding_does_not_colour_the_sound_before_it() -> None:
    audio = encoder()
    short, long = tiny_sound(1, 0.6, seed=1), tiny_sound(1, 1.0, seed=2)
    batch = torch.cat([torch.nn.functional.pad(short, (0, long.shape[1] - short.shape[1]), value=0.7), long])
    with torch.no_grad():
        embeddings, mask = audio(batch, lengths=torch.tensor([short.shape[1], long.shape[1]]))
        alone, rest = audio(short).embeddings, audio(long).embeddings
    steps = alone.shape[1]
    assert mask.sum(dim=1).tolist() == [steps, 49]
    torch.testing.assert_close(embeddings[0, :steps], alone[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(embeddings[1], rest[0], atol=1e-5, rtol=1e-4)
    assert (embeddings[0, steps:] == 0).all()


def test_rows_of_mixed_lengths_come_back_in_their_order() -> None:
    audio, sound = encoder(), tiny_sound(4)
    lengths = torch.tensor([16_000, 8_000, 16_000, 4_000])
    with torch.no_grad():
        embeddings = audio(sound, lengths=lengths).embeddings
        for row, length in enumerate(lengths.tolist()):
            alone = audio(sound[row : row + 1, :length]).embeddings[0]
            torch.testing.assert_close(embeddings[row, : len(alone)], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 399])
def test_sound_too_short_to_hear_gives_nothing_and_no_error(samples: int) -> None:
    embeddings, mask = encoder()(torch.zeros(2, samples))
    assert embeddings.shape == (2, 0, 24)
    assert mask.shape == (2, 0)


def test_the_number_of_steps_is_known_beforehand() -> None:
    audio = encoder()
    for samples in (400, 719, 720, 16_000, 40_123):
        assert audio(torch.zeros(1, samples)).embeddings.shape[1] == audio.steps(samples)


def test_loudness_does_not_matter() -> None:
    audio, sound = encoder(), tiny_sound()
    with torch.no_grad():
        torch.testing.assert_close(audio(sound * 5).embeddings, audio(sound).embeddings, atol=1e-3, rtol=1e-3)


def test_pcm_becomes_a_waveform_between_minus_one_and_one() -> None:
    wave = waveform_from_pcm(torch.tensor([-32768, 0, 16384, 32767], dtype=torch.int16))
    torch.testing.assert_close(wave, torch.tensor([-1.0, 0.0, 0.5, 32767 / 32768]))
