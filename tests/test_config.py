from dataclasses import fields

import numpy as np
import pytest

from textlstm.config import DataConfig, RunConfig
from textlstm.errors import InputError
from textlstm.models.choices import CELLS
from textlstm.recipe import Recipe, load_recipe, section_settings, shipped_recipes
from textlstm.recipe_sections import EncodingConfig, TrainingConfig

RECURRENT = [cell for cell in CELLS if cell != "bag-of-words"]


@pytest.mark.parametrize(
    ("kind", "values", "flag"),
    [
        (TrainingConfig, {"batch_size": 0}, "--batch-size"),
        (EncodingConfig, {"max_length": -1}, "--max-length"),
        (TrainingConfig, {"learning_rate": float("nan")}, "--learning-rate"),
        (TrainingConfig, {"learning_rate": "fast"}, "--learning-rate"),
        (TrainingConfig, {"schedule": "cosine"}, "--schedule"),
        (TrainingConfig, {"epochs": True}, "--epochs"),
        (DataConfig, {"holdout": 1.5}, "--holdout"),
        (DataConfig, {"text": ()}, "--text"),
        (DataConfig, {"text": "cause"}, "--text"),
        (DataConfig, {"text": ("a", "b"), "label": "b"}, "--text"),
        (DataConfig, {"text": ("a", "a")}, "--text"),
        (DataConfig, {"split": "temporal"}, "--date"),
    ],
)
def test_the_error_about_a_bad_value_names_its_flag(kind, values, flag):
    with pytest.raises(InputError, match=flag):
        kind(**values)


def test_numbers_of_numpy_become_numbers_of_python():
    config = TrainingConfig(batch_size=np.int64(8), learning_rate=np.float32(0.5), max_grad_norm=1)
    assert (type(config.batch_size), type(config.learning_rate)) == (int, float)
    assert config == TrainingConfig(batch_size=8, learning_rate=0.5, max_grad_norm=1.0)


def test_no_two_sections_share_a_field():
    names = [*Recipe.names(), *DataConfig.names()]
    assert len(names) == len(set(names))


def test_every_field_has_a_help_sentence():
    kinds = [DataConfig, *(section_settings(section) for section in fields(Recipe))]
    assert all(item.metadata["help"] for kind in kinds for item in fields(kind))


def test_a_recipe_survives_the_way_to_a_dictionary_and_back():
    assert {"default", "okut-table2", "bilstm", *RECURRENT} - {"lstm"} <= set(shipped_recipes())
    for name in shipped_recipes():
        recipe = load_recipe(name)
        assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_okut_table2_has_the_numbers_of_the_chapter():
    recipe = load_recipe("okut-table2")
    assert (recipe.encoding.max_length, recipe.encoding.padding) == (10, "left")
    network = recipe.network
    assert (network.embedding_size, network.hidden_units, network.pooling) == (30, 200, "last")
    assert not network.bidirectional
    training = recipe.training
    assert (training.batch_size, training.epochs, training.max_grad_norm) == (30, 30, 8.0)
    assert (training.optimizer, training.learning_rate) == ("adam", 1e-3)
    assert training.drop_last


@pytest.mark.parametrize("cell", RECURRENT)
def test_each_cell_has_a_recipe_that_differs_from_the_bilstm_in_the_cell_alone(cell):
    plain = load_recipe("bilstm")
    if cell != "lstm":
        assert load_recipe(cell) == plain.with_fields(cell=cell)
    assert plain == load_recipe("default").with_fields(ensemble_size=1, linear_c=0.0)


def test_a_recipe_takes_from_its_base_what_it_does_not_name(tmp_path):
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('base = "okut-table2"\n[training]\nepochs = 2\n')
    second.write_text(f'base = "{first}"\n[network]\nhidden_units = 7\n')
    changed = load_recipe("okut-table2").with_fields(epochs=2, hidden_units=7)
    assert load_recipe(second) == changed
    for base in (f'"{second}"', "3"):  # a circle, and no name
        first.write_text(f"base = {base}\n")
        with pytest.raises(InputError, match="is not another recipe"):
            load_recipe(second if base != "3" else first)


def test_each_shipped_recipe_is_told_in_a_sentence():
    for name, sentence in shipped_recipes().items():
        assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) < 100, name


def test_fields_win_over_a_recipe_file_and_the_file_over_defaults(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nepochs = 2\nbatch_size = 16\n")
    recipe = load_recipe(path).with_fields(batch_size=8)
    assert (recipe.training.epochs, recipe.training.batch_size) == (2, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nepoch = 2\n", "did you mean 'epochs'"),
        ("[trainings]\n", "trainings"),
        ("training = 1\n", "section"),
        ("[training\n", "recipe"),
        ("[training]\nepochs = 0\n", ": epochs must be at least 1"),
    ],
)
def test_a_bad_recipe_file_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_recipe(path)


def test_the_error_about_an_unknown_recipe_lists_the_shipped_ones():
    with pytest.raises(InputError, match=r"did you mean 'okut-table2'.* default, .* okut-table2, "):
        load_recipe("okut-table")


def test_the_settings_of_a_run_survive_the_way_to_a_dictionary_and_back():
    config = RunConfig(DataConfig(text=("a", "b")), load_recipe("okut-table2"), "okut-table2", 3)
    assert RunConfig.from_dict(config.to_dict()) == config


def test_differences_are_the_flags_whose_values_differ():
    config = RunConfig(DataConfig(), load_recipe("default"), "default", 0)
    other = RunConfig(
        DataConfig(holdout=0.2), load_recipe("default").with_fields(batch_size=9), "mine", 1
    )
    assert config.differences(config) == []
    assert config.differences(other) == ["--seed", "--holdout", "--batch-size"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (30.0, "must be at most 0.9, not 30.0; write 0.3 for 30 %"),
        (0.001, "must be at least 0.01, not 0.001"),
        (float("inf"), "must be a finite number, not inf"),
        ("much", "takes a value of type float, not 'much'"),
    ],
)
def test_the_error_about_a_number_says_what_is_allowed(value, message):
    with pytest.raises(InputError) as raised:
        DataConfig(holdout=value)
    assert str(raised.value) == f"--holdout {message}"


def test_the_error_about_a_choice_suggests_the_nearest():
    with pytest.raises(InputError, match=r"did you mean 'grouped'. Choose one of stratified, grou"):
        DataConfig(split="groupd")
