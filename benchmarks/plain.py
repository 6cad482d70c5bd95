"""The chapter's Table 2 as a plain PyTorch script, which the speed of textlstm is compared with.

Nothing is cached, sorted, shared or overlapped: each record is tokenized, padded and read alone, in
batches of consecutive records.
"""

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import spacy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.comparison import Fields, Predict

LENGTH, EMBEDDING, HIDDEN, BATCH, EPOCHS = 10, 30, 200, 30, 30
LEARNING_RATE, GRADIENT_THRESHOLD = 1e-3, 8.0
SCORING_BATCH = 512


class Network(nn.Module):
    """Embedding, LSTM, and a linear layer on the last hidden state."""

    def __init__(self, n_words: int, n_classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_words, EMBEDDING, padding_idx=0)
        self.lstm = nn.LSTM(EMBEDDING, HIDDEN, batch_first=True)
        self.output = nn.Linear(HIDDEN, n_classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits (B, C) of texts (B, T)."""
        steps, _ = self.lstm(self.embedding(ids))  # (B, T, H)
        logits: Tensor = self.output(steps[:, -1])
        return logits


def table2(texts: Fields, labels: NDArray[Any], seed: int) -> Predict:
    """Train the network, and return the function that predicts probabilities."""
    torch.manual_seed(seed)
    tokenizer = spacy.blank("en").tokenizer

    def words(fields: Sequence[str]) -> list[str]:
        tokens = (
            token.text.lower().strip(string.punctuation) for token in tokenizer(" ".join(fields))
        )
        return [token for token in tokens if token.strip()]

    tokenized = [words(fields) for fields in texts]
    index = {word: n for n, word in enumerate(dict.fromkeys(w for t in tokenized for w in t), 2)}

    def encoded(tokenized: Sequence[Sequence[str]]) -> Tensor:
        ids = np.zeros((len(tokenized), LENGTH), dtype=np.int64)
        for row, text in zip(ids, tokenized, strict=True):
            numbers = [index.get(word, 1) for word in text[:LENGTH]]
            row[LENGTH - len(numbers) :] = numbers
        return torch.from_numpy(ids)

    classes, codes = np.unique(labels, return_inverse=True)
    ids, targets = encoded(tokenized), torch.from_numpy(codes)
    network = Network(len(index) + 2, len(classes))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(ids)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(network(ids[rows]), targets[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_THRESHOLD)
            optimizer.step()

    @torch.no_grad()
    def predict(new: Fields) -> NDArray[np.float64]:
        batches = encoded([words(fields) for fields in new]).split(SCORING_BATCH)
        logits = torch.cat([network(batch) for batch in batches])
        probabilities: NDArray[np.float64] = logits.softmax(dim=1).double().numpy()
        return probabilities

    return predict
