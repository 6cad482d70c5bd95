"""The linear branch: logistic regression on TF-IDF features, beside the networks.

Logistic regression on words is hard to beat on causes of death, and it errs elsewhere than a
recurrent network does: it does not read order, yet a word seen ten times is enough for it. Both
together are better than either ("wide and deep": Cheng et al. 2016). It is fitted by itself (see
:mod:`.linear_fit`), and its weight in the mixture is fitted on validation records.

A text is described by two blocks of features for each of its fields: its words, and the character
n-grams of its words. In a block, a text with the terms t (a term that stands twice is two) has the
features

    sum_t idf_t e_t / sqrt(sum_t idf_t^2)

which is TF-IDF, but for the length, taken as if no two terms were the same. Sums over terms are
sums over words: the scores of a text's words can be added up without ever forming the features.

Covariates are further features, which are used as they are.

Shapes: R records, B distinct texts, T tokens, U distinct words, F fields, K features of covariates,
C classes.
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.batching import Batch
from textlstm.encoding.terms import field_numbers


class LinearBranch(nn.Module):
    """Logistic regression on the words and n-grams of a text's fields.

    Parameters
    ----------
    n_fields
        F.
    n_words, n_subwords
        Ids of the vocabulary and of the character n-grams.
    n_classes
        C.
    separator
        The id of the separator of fields.
    n_features
        K, the features of covariates.
    """

    words: Tensor  # (F, n_words, C + 1): the scores of each word, and the square of its length
    subwords: Tensor  # (F, n_subwords, C + 1)
    bias: Tensor  # (C,)
    covariates: Tensor  # (K, C)

    def __init__(
        self,
        n_fields: int,
        n_words: int,
        n_subwords: int,
        n_classes: int,
        separator: int,
        n_features: int = 0,
    ) -> None:
        super().__init__()
        self.separator = separator
        self.register_buffer("words", torch.zeros(n_fields, n_words, n_classes + 1))
        self.register_buffer("subwords", torch.zeros(n_fields, n_subwords, n_classes + 1))
        self.register_buffer("bias", torch.zeros(n_classes))
        self.n_features = n_features
        if n_features:
            self.register_buffer("covariates", torch.zeros(n_features, n_classes))

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (R, C)."""
        logits = self.bias.expand(len(batch.ids), -1)  # (B, C)
        for inside, scores in self._blocks(batch):
            sums = functional.embedding_bag(
                batch.ids, scores, per_sample_weights=inside, mode="sum"
            )  # (B, C + 1)
            length = sums[:, -1:].sqrt()
            logits = logits + sums[:, :-1] / length.where(length > 0, 1.0)
        return self.with_covariates(logits[batch.inverse], batch, slice(None))  # (R, C)

    def with_covariates(self, logits: Tensor, batch: Batch, records: Tensor | slice) -> Tensor:
        """Return the logits (N, C) of records of a batch with what their covariates add."""
        if not self.n_features or batch.covariates is None:
            return logits
        return logits + batch.covariates[records] @ self.covariates

    def term_scores(self, batch: Batch) -> Tensor:
        """Return what each token of the distinct texts adds to their logits (B, T, C).

        With the bias, and what the covariates add, they sum to the logits: a word's score is exact,
        given the text's length.
        """
        total = self.bias.new_zeros(*batch.ids.shape, len(self.bias))
        for inside, scores in self._blocks(batch):
            terms = functional.embedding(batch.ids, scores) * inside[:, :, None]  # (B, T, C + 1)
            length = terms[:, :, -1:].sum(dim=1, keepdim=True).sqrt()  # (B, 1, 1)
            total = total + terms[:, :, :-1] / length.where(length > 0, 1.0)
        return total

    def _blocks(self, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each block: which tokens count (B, T), and the distinct words' scores (U, C + 1).

        The words of a field come first, then their n-grams, field after field.
        """
        fields = field_numbers(batch.words[batch.ids], self.separator, len(self.words))  # (B, T)
        for field, (words, subwords) in enumerate(zip(self.words, self.subwords, strict=True)):
            inside = (fields == field).to(words.dtype)
            yield inside, words[batch.words]
            yield (
                inside,
                functional.embedding_bag(batch.subwords, subwords, batch.offsets, mode="sum"),
            )


@torch.no_grad()
def average_branches(branches: Sequence[LinearBranch]) -> LinearBranch:
    """Return the branch whose scores are the mean of these."""
    mean = copy.deepcopy(branches[0])
    for name, table in mean.state_dict().items():
        table.copy_(torch.stack([branch.state_dict()[name] for branch in branches]).mean(0))
    return mean
