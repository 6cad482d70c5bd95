"""Flags: how mistakes are answered, and which settings win."""

import argparse

import pytest

from pipelines import flags, run_flags
from textlstm.errors import InputError

DESCRIPTION = "Do something.\n\nFor example:\n    python -m pipelines.stage --run runs/a\n"


def parsed(*words):
    return run_flags.run_parser("stage", DESCRIPTION, "runs/a").parse_args(list(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lable", "a"], "there is no flag '--lable'; did you mean '--label'?"),
        (["--epochs", "2", "three"], "'three' belongs to no flag"),
        (["--text", "a\udcff"], "'a\\udcff' is not UTF-8; rename the file, folder or column"),
        (["--learning-rate", "0,1"], "'0,1' is no number; write 0.02, with a point"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(words, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        parsed(*words)
    lines = capsys.readouterr().err.splitlines()
    assert exit_.value.code == 2 and len(lines) == 1
    assert message in lines[0].replace("\\\\", "\\") and lines[0].endswith("(see --help)")


def test_flags_win_over_the_recipe_and_the_recipe_over_defaults():
    config = run_flags.run_config(parsed("--recipe", "okut-table2", "--epochs", "2"))
    assert (config.recipe.training.epochs, config.recipe.training.batch_size) == (2, 30)
    assert (config.recipe_name, config.seed, config.data.text) == ("okut-table2", 0, ("cause",))
    config = run_flags.run_config(parsed("--text", "a", "b", "--holdout", "20%", "--seed", "7"))
    assert (config.data.text, config.data.holdout, config.seed) == (("a", "b"), 0.2, 7)
    with pytest.raises(InputError, match="--seed must lie between 0 and"):
        run_flags.run_config(parsed("--seed", "-1"))


def test_help_fits_into_80_columns_and_ends_with_the_examples(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = run_flags.run_parser("stage", DESCRIPTION, device=True).format_help()
    usage, _, rest = text.partition("\n\n")
    assert usage.startswith("usage: python -m pipelines.stage [--data FILE]")
    assert max(map(len, rest.splitlines())) <= 80
    assert rest.endswith("For example:\n    python -m pipelines.stage --run runs/a\n")


@pytest.mark.parametrize("word", ["", "%", "two", "1,5"])
def test_a_word_that_is_no_number_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="is no number"):
        flags.parse_number(word)
