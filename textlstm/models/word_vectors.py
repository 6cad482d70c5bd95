"""Latent semantic analysis: vectors of words and subwords, from the training texts alone.

A network trained on a few thousand certificates sees most words too rarely to place them well.
Which words stand together in texts says more: the right singular vectors of the texts' TF-IDF
matrix put words of like use close to each other (Deerwester et al. 1990), and character n-grams in
the same space place words never seen before (as Bojanowski et al. 2017 do for skip-gram vectors).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.extmath import randomized_svd

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.terms import form_counts, form_to_ngram, form_to_word

MOST_IDS = 1 << 20
"""Texts of so many ids, drawn at random, say which words go together: it is a start only."""

Floats = NDArray[np.float32]


def latent_vectors(corpus: Corpus, dimensions: int, seed: int) -> tuple[Floats, Floats]:
    """Return the vectors of words and of subwords.

    Each distinct text counts once: repeats say nothing new about which words go together.

    Parameters
    ----------
    corpus
        The training texts.
    dimensions
        E.

    Returns
    -------
    words, subwords
        (n_words, E) and (n_subwords, E). A word is placed by its own vector plus the mean of its
        subwords'; these sums have a mean square of 1 over the words of the texts.
    """
    n_words = corpus.n_words
    n_texts, length = corpus.text_ids.shape
    drawn = np.random.default_rng(seed).permutation(n_texts)[: MOST_IDS // length]
    counts = form_counts(corpus, torch.from_numpy(np.sort(drawn)))
    spelling = form_to_ngram(corpus)
    blocks = [counts @ form_to_word(corpus)] + ([counts @ spelling] if corpus.n_subwords else [])
    weigh = [TfidfTransformer(sublinear_tf=True).fit(block) for block in blocks]
    weighted = [one.transform(block) for one, block in zip(weigh, blocks, strict=True)]
    features = sparse.hstack(weighted).tocsr()
    rank = min(dimensions, min(features.shape) - 1)
    vectors = np.zeros((n_words + corpus.n_subwords, dimensions))
    if rank > 0:
        _, _, right = randomized_svd(features, rank, n_iter=3, random_state=seed)
        vectors[:, :rank] = right.T * np.concatenate([one.idf_ for one in weigh])[:, None]
    words, parts = vectors[:n_words], vectors[n_words:]
    sizes = np.maximum(np.diff(corpus.offsets), 1)[:n_words, None]
    placed = words + (spelling[:n_words] @ parts) / sizes
    often = np.asarray(blocks[0].sum(axis=0)).ravel()
    mean_square = (often @ (placed**2).mean(axis=1)) / max(often.sum(), 1)
    scale = 1.0 / np.sqrt(mean_square) if mean_square > 0 else 1.0
    return (words * scale).astype(np.float32), (parts * scale).astype(np.float32)
