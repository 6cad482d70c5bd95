import pytest

from textlstm.evaluation.metrics import SHARES
from textlstm.reporting.sections.verdict import verdict


def between(low, high):
    return {"estimate": (low + high) / 2, "low": low, "high": high}


def measured(log_loss=(-0.1, -0.02), majority=(-0.9, -0.8), accuracy=(0.01, 0.04), **changes):
    """The metrics of a run with 95 % intervals of the differences to the baselines."""
    ours = {"accuracy": 0.925, "macro_f1": 0.5, "log_loss": 0.5}
    linear = {"accuracy": 0.9, "macro_f1": 0.4, "log_loss": 0.56}
    shares = {"accuracy": 0.3, "macro_f1": 0.1, "log_loss": 1.4}
    differences = {
        "tfidf_logreg": {"accuracy": between(*accuracy), "macro_f1": between(0.05, 0.15),
                         "log_loss": between(*log_loss)},
        "majority": {"accuracy": between(0.6, 0.65), "macro_f1": between(0.3, 0.5),
                     "log_loss": between(*majority)},
    }  # fmt: skip
    return {
        "model": ours,
        "baselines": {"tfidf_logreg": linear, "majority": shares},
        "differences": differences,
        "learned": True,
        "never_predicted": [],
        "per_class": {name: {"support": n} for name, n in zip("abcd", (9, 9, 9, 0), strict=True)},
        "data": {"uncodable": {"records": 0}},
    } | changes


@pytest.mark.parametrize(
    ("log_loss", "said"),
    [((-0.1, 0.02), "textlstm is better in accuracy, no clear winner in log loss."),
     ((-0.1, -0.02), "textlstm is better in accuracy and log loss."),
     ((0.02, 0.1), "TF-IDF + logistic regression is better in log loss")],
)  # fmt: skip
def test_the_verdict_in_one_sentence(log_loss, said):
    first = verdict(measured(log_loss))[0]
    assert first.startswith("textlstm gives 92.5 % of the held-out records their true label")
    assert said in first and first.count(".") == 3


def test_the_verdict_says_which_records_it_is_of():
    first = verdict(measured(data={"uncodable": {"records": 7}}))[0]
    assert first.startswith("Among the classes that it learned, textlstm gives 92.5 % of the held-")


def test_a_win_is_one_over_all_baselines():
    metrics = measured(majority=(-0.15, 0.1))
    metrics["baselines"]["majority"]["log_loss"] = 0.55
    lines = verdict(metrics)
    assert "textlstm is better in accuracy, no clear winner in log loss" in lines[0]
    assert lines[3].startswith("Log loss: no clear winner") and SHARES in lines[3]
    assert lines[1].startswith("Accuracy: textlstm beats TF-IDF + logistic regression by 0.0250")


def test_what_learned_nothing_wins_over_nothing():
    metrics = measured(learned=False)
    assert verdict(metrics)[0].startswith("It is not shown that anything was learned")
    metrics["baselines"]["majority"] = metrics["model"] | {"log_loss": 0.4}
    lines = verdict(metrics)
    assert lines[0].startswith("Nothing was learned: on the holdout textlstm is no better than")
    assert not any("textlstm beats" in line or "textlstm is better" in line for line in lines)
    assert "no winner, since it is not shown that anything was learned" in lines[2]


def test_equal_models_and_classes_that_are_never_predicted_are_told():
    lines = verdict(measured(accuracy=(0, 0), never_predicted=["b", "c"]))
    assert lines[1].startswith("Accuracy: both models are equal")
    assert lines[4].startswith("2 of 3 classes of the holdout are never predicted: all of their")
