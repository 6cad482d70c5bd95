"""Accuracy and speed of textlstm beside its peers, on the same holdouts.

    python -m benchmarks.peers --data FILE --text COL [COL ...] --label COL [--seeds 0 1 2 3 4]
                               [--models NAME ...] [--keep FILE]

Prints a Markdown table of means over the seeds; each seed draws another stratified 30 % holdout.
The columns after the means are paired differences, textlstm minus the peer, with the 95 % interval
of the mean over seeds (Student's t). A peer whose package is missing is named below the table.

With ``--keep`` each measurement is appended to a file of JSON lines, and measurements in the file
are not repeated: a long benchmark can be interrupted and resumed. Use another file when data,
versions or settings change.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from benchmarks.comparison import Fields, Fit, Models, Predict, command, textlstm
from benchmarks.sklearn_peers import boosted_trees, joined, mlp, of_estimator, tfidf
from textlstm.data.splits import split_off
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe_sections import EncodingConfig
from textlstm.text.tokenizing import preprocess

REFERENCE = "textlstm default"


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
            # This calls the extension, since the wrapper of fastText fails with NumPy 2.
            for probability, name in model.f.predict(line + "\n", len(classes), 0.0, "strict"):
                probabilities[row, int(name.removeprefix("__label__"))] = probability
        normalised: NDArray[np.float64] = probabilities / probabilities.sum(axis=1, keepdims=True)
        return normalised

    return predict


def spacy_textcat(epochs: int, model: dict[str, Any] | None = None) -> Fit:
    """Return spaCy's text categorizer: batches of 16 growing to 128, dropout 0.2.

    ``model`` is spaCy's configuration; by default, an ensemble of CNN and bag of words.
    """

    def fit(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
        import spacy
        from spacy.training import Example
        from spacy.util import compounding, fix_random_seed, minibatch

        fix_random_seed(seed)
        names = [str(name) for name in np.unique(labels)]
        pipeline = spacy.blank("en")
        categorizer = pipeline.add_pipe("textcat", config={"model": model} if model else {})
        for name in names:
            categorizer.add_label(name)
        examples = [
            Example.from_dict(pipeline.make_doc(text), {"cats": {n: n == label for n in names}})
            for text, label in zip(joined(texts), labels, strict=True)
        ]
        optimizer = pipeline.initialize(lambda: examples)
        order = np.random.default_rng(seed)
        for _ in range(epochs):
            shuffled = [examples[row] for row in order.permutation(len(examples))]
            for batch in minibatch(shuffled, compounding(16.0, 128.0, 1.01)):
                pipeline.update(batch, sgd=optimizer, drop=0.2)

        def predict(new: Fields) -> NDArray[np.float64]:
            docs = pipeline.pipe(joined(new), batch_size=256)
            return np.array([[doc.cats[name] for name in names] for doc in docs])

        return predict

    return fit


BAG_OF_WORDS = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True,
                "ngram_size": 2, "length": 262144, "no_output_layer": False}  # fmt: skip
"""Configuration of spaCy's linear model with words and 2-grams, which needs more epochs."""


def sentence_embeddings(n_fields: int, seed: int) -> Any:
    """Return logistic regression (C = 10) on the sentence embeddings of each field.

    The variable SENTENCE_MODEL names the encoder, a folder or an id on the model hub; by default,
    it is MiniLM (Wang et al. 2020) as trained by Sentence-Transformers (Reimers and Gurevych
    2019).
    """
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(os.environ.get("SENTENCE_MODEL", "all-MiniLM-L6-v2"))

    def embed(texts: Fields) -> NDArray[np.float32]:
        columns = [
            encoder.encode(list(column), normalize_embeddings=True, show_progress_bar=False)
            for column in zip(*texts, strict=True)
        ]
        return np.hstack(columns)

    return make_pipeline(FunctionTransformer(embed), LogisticRegression(C=10.0, max_iter=2000))


def split_rows(labels: NDArray[Any], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of training, and a stratified tenth for early stopping."""
    train, validation = split_off(pd.DataFrame({"label": labels}), 0.1, "stratified", seed)
    return train.index.to_numpy(), validation.index.to_numpy()


def keras_bilstm(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
    """Train the bidirectional LSTM of Keras' guides, on PyTorch unless KERAS_BACKEND is set.

    Embedding 100, 64 units a direction, padding masked, dropout 0.5 on either side of the LSTM;
    Adam 0.003, batches of 32, at most 10 epochs; early stopping with a patience of 2 epochs
    restores the weights of the lowest validation loss. One thread: the steps are small, and more
    threads only wait.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras
    import torch
    from keras import layers

    keras.utils.set_random_seed(seed)
    classes, codes = np.unique(labels, return_inverse=True)
    lines = preprocess(texts)
    encoding = Vocabulary.fit(lines, EncodingConfig())
    model = keras.Sequential([
        layers.Embedding(len(encoding.words), 100, mask_zero=True),
        layers.Dropout(0.5),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dropout(0.5),
        layers.Dense(len(classes), activation="softmax"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    ids = encoding.encode(lines).vocabulary_ids()
    train, validation = split_rows(labels, seed)
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model.fit(ids[train], codes[train], batch_size=32, epochs=10, callbacks=[stop], verbose=0,
              validation_data=(ids[validation], codes[validation]))  # fmt: skip
    torch.set_num_threads(threads)

    def predict(new: Fields) -> NDArray[np.float64]:
        rows = encoding.encode(preprocess(new)).vocabulary_ids()
        return np.asarray(model.predict(rows, batch_size=256, verbose=0), dtype=np.float64)

    return predict


def torch_text_classifiers(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
    """Train INSEE's torchTextClassifiers: mean of embedded words and character 3-6-grams.

    Its n-gram tokenizer has 100,000 buckets; embedding 96, Adam 0.005, batches of 64, at most 20
    epochs; early stopping with a patience of 3 epochs restores the weights of the lowest validation
    loss.
    """
    import torch
    from torchTextClassifiers import ModelConfig, TrainingConfig, torchTextClassifiers
    from torchTextClassifiers.tokenizers import NGramTokenizer

    torch.manual_seed(seed)
    precision = torch.get_float32_matmul_precision()
    classes, codes = np.unique(labels, return_inverse=True)
    lines = np.array(preprocess([(text,) for text in joined(texts)]))
    train, validation = split_rows(labels, seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        tokenizer = NGramTokenizer(min_count=1, min_n=3, max_n=6, num_tokens=100_000,
                                   len_word_ngrams=1, training_text=list(lines))  # fmt: skip
        model = torchTextClassifiers(tokenizer, ModelConfig(96, len(classes)))
        settings = TrainingConfig(
            20, 64, 5e-3, raw_labels=False, accelerator="cpu", num_workers=0, save_path=folder,
            trainer_params={"default_root_dir": folder, "enable_progress_bar": False,
                            "enable_model_summary": False},
        )  # fmt: skip
        model.train(lines[train], codes[train], settings, lines[validation], codes[validation])
    torch.set_float32_matmul_precision(precision)  # its training lowers it for the process

    def predict(new: Fields) -> NDArray[np.float64]:
        # Its own `predict` rounds probabilities to two decimals.
        rows = preprocess([(text,) for text in joined(new)])
        batches = [tokenizer.tokenize(rows[n : n + 256]) for n in range(0, len(rows), 256)]
        network = model.pytorch_model.eval()
        with torch.no_grad():
            logits = [network(b.input_ids, b.attention_mask, torch.empty(0)) for b in batches]
        return torch.cat(logits).double().softmax(dim=1).numpy()

    return predict


MODELS: Models = {
    REFERENCE: ("textlstm", textlstm("default")),
    "textlstm quick": ("textlstm", textlstm("quick")),
    "textlstm okut-table2": ("textlstm", textlstm("okut-table2")),
    "majority": ("sklearn", of_estimator(lambda *_: DummyClassifier(strategy="prior"))),
    "TF-IDF word + LR": ("sklearn", tfidf(characters=False, blocks=False)),
    "TF-IDF word+char + LR": ("sklearn", tfidf(characters=True, blocks=False)),
    "TF-IDF word + LR, blocks": ("sklearn", tfidf(characters=False, blocks=True)),
    "TF-IDF word+char + LR, blocks": ("sklearn", tfidf(characters=True, blocks=True)),
    "TF-IDF word + MLP": ("sklearn", of_estimator(mlp)),
    "TF-IDF word + boosted trees": ("sklearn", of_estimator(boosted_trees)),
    "fastText": ("fasttext", fasttext),
    "spaCy textcat": ("spacy", spacy_textcat(10)),
    "spaCy textcat, bag of words": ("spacy", spacy_textcat(30, BAG_OF_WORDS)),
    "Keras BiLSTM": ("keras", keras_bilstm),
    "MiniLM embeddings + LR": ("sentence_transformers", of_estimator(sentence_embeddings)),
    "torchTextClassifiers": ("torchTextClassifiers", torch_text_classifiers),
}
"""For each model the package it needs, and the function that fits it."""


if __name__ == "__main__":
    command(__doc__, MODELS, REFERENCE)
