"""Accuracy and speed of textlstm beside its peers, on the same holdouts.

    python -m benchmarks.peers --data FILE --text COL [COL ...] --label COL [--seeds 0 1 2 3 4]
                               [--models NAME ...]

Prints a Markdown table: means over the seeds, each of which draws another stratified 30 % holdout.
The columns behind them are the paired difference, textlstm minus the peer, with the 95 % interval
of its mean over seeds (Student's t). A peer whose package is missing is named below the table.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from textlstm import TextLSTMClassifier
from textlstm.config import DataConfig
from textlstm.metrics import scores
from textlstm.records import column, divide, read_table, usable
from textlstm.text import preprocess

Fields = list[tuple[str, ...]]
Predict = Callable[[Fields], NDArray[np.float64]]
Fit = Callable[[Fields, NDArray[Any], int], Predict]
"""Takes raw text fields, labels and a seed; returns what gives probabilities, classes sorted."""

REFERENCE = "textlstm default"
MEASURES = ("accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "accuracy_unseen_text")
COMPARED = ("accuracy", "macro_f1", "log_loss", "accuracy_unseen_text")


def joined(texts: Fields) -> list[str]:
    """Return the fields of each record as one text, as a peer without fields takes them."""
    return [" ".join(fields) for fields in texts]


def textlstm(recipe: str) -> Fit:
    """Return a recipe of ours."""

    def fit(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
        classifier = TextLSTMClassifier(recipe, random_state=seed)
        return classifier.fit(texts, labels).predict_proba

    return fit


def of_estimator(make: Callable[[int], Any]) -> Fit:
    """Return a scikit-learn classifier over a list of field tuples, made for F fields."""

    def fit(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
        predict: Predict = make(len(texts[0])).fit(texts, labels).predict_proba
        return predict

    return fit


def tfidf(*, characters: bool, blocks: bool) -> Fit:
    """Return TF-IDF + logistic regression: word 1-2-grams, sublinear, C = 10.

    With ``characters`` also character 2-5-grams within words; with ``blocks`` a feature block per
    field instead of the fields joined.
    """

    def features() -> Any:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        return make_union(words, letters) if characters else words

    def make(n_fields: int) -> Any:
        model = LogisticRegression(C=10.0, max_iter=2000)
        if not blocks:
            return make_pipeline(FunctionTransformer(joined), features(), model)
        table = FunctionTransformer(lambda texts: np.array(texts, dtype=object))
        columns = ColumnTransformer([(str(n), features(), n) for n in range(n_fields)])
        return make_pipeline(table, columns, model)

    return of_estimator(make)


def fasttext(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
    """Train fastText (Joulin et al. 2017): 2-grams, subwords 2-5, 30 epochs, softmax loss."""
    import fasttext as package

    classes, codes = np.unique(labels, return_inverse=True)
    lines = preprocess([(text,) for text in joined(texts)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        rows = (f"__label__{code} {line}\n" for code, line in zip(codes, lines, strict=True))
        path.write_text("".join(rows), encoding="utf-8")
        model = package.train_supervised(str(path), wordNgrams=2, minn=2, maxn=5, epoch=30, lr=0.5,
                                         dim=100, thread=2, verbose=0, seed=seed)  # fmt: skip

    def predict(new: Fields) -> NDArray[np.float64]:
        probabilities = np.full((len(new), len(classes)), 1e-6)
        for row, line in enumerate(preprocess([(text,) for text in joined(new)])):
            # The method of the extension: the wrapper's fails with NumPy 2.
            for probability, name in model.f.predict(line + "\n", len(classes), 0.0, "strict"):
                probabilities[row, int(name.removeprefix("__label__"))] = probability
        normalised: NDArray[np.float64] = probabilities / probabilities.sum(axis=1, keepdims=True)
        return normalised

    return predict


def spacy_textcat(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
    """Train spaCy's text categorizer in its default, the ensemble of CNN and bag of words."""
    import spacy
    from spacy.training import Example
    from spacy.util import compounding, fix_random_seed, minibatch

    fix_random_seed(seed)
    classes = np.unique(labels)
    pipeline = spacy.blank("en")
    categorizer = pipeline.add_pipe("textcat")
    for name in classes:
        categorizer.add_label(str(name))
    examples = [
        Example.from_dict(pipeline.make_doc(text), {"cats": {str(n): n == label for n in classes}})
        for text, label in zip(joined(texts), labels, strict=True)
    ]
    optimizer = pipeline.initialize(lambda: examples)
    order = np.random.default_rng(seed)
    for _ in range(10):
        shuffled = [examples[row] for row in order.permutation(len(examples))]
        for batch in minibatch(shuffled, compounding(16.0, 128.0, 1.01)):
            pipeline.update(batch, sgd=optimizer, drop=0.2)

    def predict(new: Fields) -> NDArray[np.float64]:
        docs = pipeline.pipe(joined(new), batch_size=256)
        return np.array([[doc.cats[str(name)] for name in classes] for doc in docs])

    return predict


MODELS: dict[str, tuple[str, Fit]] = {
    REFERENCE: ("textlstm", textlstm("default")),
    "textlstm okut-table2": ("textlstm", textlstm("okut-table2")),
    "majority": ("sklearn", of_estimator(lambda n_fields: DummyClassifier(strategy="prior"))),
    "TF-IDF word + LR": ("sklearn", tfidf(characters=False, blocks=False)),
    "TF-IDF word+char + LR": ("sklearn", tfidf(characters=True, blocks=False)),
    "TF-IDF word + LR, blocks": ("sklearn", tfidf(characters=False, blocks=True)),
    "TF-IDF word+char + LR, blocks": ("sklearn", tfidf(characters=True, blocks=True)),
    "fastText": ("fasttext", fasttext),
    "spaCy textcat": ("spacy", spacy_textcat),
}
"""Each model's package and how to fit it."""


def measure(fit: Fit, records: pd.DataFrame, seed: int) -> dict[str, float]:
    """Fit on the training side of a seed's split, and return the measures on its holdout."""
    train, holdout = divide(records, DataConfig().holdout, "stratified", seed)
    started = time.perf_counter()
    predict = fit(train["fields"].tolist(), train["label"].to_numpy(dtype=str), seed)
    fitted = time.perf_counter()
    probabilities = predict(holdout["fields"].tolist())
    scored = time.perf_counter()
    truth = np.searchsorted(np.unique(train["label"]), holdout["label"])
    unseen = ~holdout["text"].isin(train["text"]).to_numpy()
    return scores(truth, probabilities, unseen) | {
        "fit_seconds": fitted - started,
        "rows_per_second": len(holdout) / (scored - fitted),
    }


def difference(ours: pd.Series, theirs: pd.Series) -> str:
    """Return the mean paired difference over seeds and its 95 % interval."""
    gaps = (ours - theirs).to_numpy()
    if len(gaps) < 2:
        return f"{gaps.mean():+.4f}"
    half = student.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return f"{gaps.mean():+.4f} ±{half:.4f}"


def table(results: dict[str, pd.DataFrame]) -> str:
    """Return the Markdown table of the results (seeds x measures) of each model."""
    heads = [*MEASURES, "fit s", "rows/s", *(f"Δ {name}" for name in COMPARED)]
    lines = ["| model | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, rows in results.items():
        cells = [f"{rows[measure].mean():.4f}" for measure in MEASURES]
        cells += [f"{rows['fit_seconds'].mean():.1f}", f"{rows['rows_per_second'].mean():,.0f}"]
        for measure in COMPARED if REFERENCE in results else ():
            ours = results[REFERENCE][measure]
            cells.append("" if name == REFERENCE else difference(ours, rows[measure]))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def load(data: str, text: Sequence[str], label: str) -> pd.DataFrame:
    """Return the usable records: raw fields, preprocessed text, label."""
    source = read_table(data)
    fields = list(zip(*(column(source, name, data) for name in text), strict=True))
    frame = pd.DataFrame({"text": preprocess(fields), "label": column(source, label, data)})
    frame["fields"] = fields
    return usable(frame, DataConfig(data=data, text=tuple(text), label=label))[0]


def main() -> None:
    """Parse the flags, measure every model on every seed, print the table."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--data", required=True)
    parser.add_argument("--text", nargs="+", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    given = parser.parse_args()
    records = load(given.data, given.text, given.label)
    missing = {name for name in given.models if not importlib.util.find_spec(MODELS[name][0])}
    results = {
        name: pd.DataFrame([measure(MODELS[name][1], records, seed) for seed in given.seeds])
        for name in given.models
        if name not in missing
    }
    print(f"**{given.label}** from {' + '.join(given.text)}: {len(records)} records, "
          f"seeds {', '.join(map(str, given.seeds))}\n")  # fmt: skip
    print(table(results))
    for name in sorted(missing):
        print(f"\n{name}: not measured, its package is not installed")


if __name__ == "__main__":
    main()
