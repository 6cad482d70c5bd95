"""Starting word vectors, by latent semantic analysis (LSA) of the training texts.

A network trained on a few thousand certificates sees most words too rarely to learn their vectors.
Which words stand together in texts tells more: the right singular vectors of the texts' TF-IDF
matrix give words of similar use similar vectors (Deerwester et al. 1990), and character n-grams in
the same space give vectors to unseen words (as Bojanowski et al. 2017 do for skip-gram vectors).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.extmath import randomized_svd

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.terms import form_counts, form_to_ngram, form_to_word

MAX_IDS = 1 << 20
"""Ids of the texts that are analysed, at most (drawn at random): the vectors are a start only."""

Vectors = NDArray[np.float32]


def latent_vectors(
    corpus: Corpus, dimensions: int, seed: int, max_ids: int = MAX_IDS
) -> tuple[Vectors, Vectors]:
    """Return starting vectors of words and of subwords.

    Each distinct text counts once: repeats tell nothing new about which words go together.

    Parameters
    ----------
    corpus
        The training texts.
    dimensions
        E.
    max_ids
        Ids of the texts that are analysed, at most.

    Returns
    -------
    words, subwords
        (n_words, E) and (n_subwords, E). The vector of a word is its own plus the mean of its
        subwords'; these sums have a mean square of 1 over the words of the texts.
    """
    n_words = corpus.n_words
    n_texts, length = corpus.text_ids.shape
    sample = np.random.default_rng(seed).permutation(n_texts)[: max_ids // length]
    counts = form_counts(corpus, torch.from_numpy(np.sort(sample)))
    ngrams = form_to_ngram(corpus)
    blocks = [counts @ form_to_word(corpus)] + ([counts @ ngrams] if corpus.n_subwords else [])
    tfidfs = [TfidfTransformer(sublinear_tf=True).fit(block) for block in blocks]
    weighted = [tfidf.transform(block) for tfidf, block in zip(tfidfs, blocks, strict=True)]
    features = sparse.hstack(weighted).tocsr()
    rank = min(dimensions, min(features.shape) - 1)
    vectors = np.zeros((n_words + corpus.n_subwords, dimensions))
    if rank > 0:
        _, _, right = randomized_svd(features, rank, n_iter=3, random_state=seed)
        vectors[:, :rank] = right.T * np.concatenate([tfidf.idf_ for tfidf in tfidfs])[:, None]
    words, subwords = vectors[:n_words], vectors[n_words:]
    sizes = np.maximum(np.diff(corpus.offsets), 1)[:n_words, None]
    sums = words + (ngrams[:n_words] @ subwords) / sizes
    frequencies = np.asarray(blocks[0].sum(axis=0)).ravel()
    mean_square = (frequencies @ (sums**2).mean(axis=1)) / max(frequencies.sum(), 1)
    scale = 1.0 / np.sqrt(mean_square) if mean_square > 0 else 1.0
    return (words * scale).astype(np.float32), (subwords * scale).astype(np.float32)
