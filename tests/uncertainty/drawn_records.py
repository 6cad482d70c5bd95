"""Out-of-fold records whose error rate is known, which tests of promises and sets share."""

import dataclasses

import numpy as np

from textlstm.uncertainty.out_of_fold import OutOfFold


def drawn(n, seed, slope=1.0):
    """Out-of-fold records whose error rate rises as their probability falls."""
    generator = np.random.default_rng(seed)
    top = np.sort(generator.beta(8, 0.4, n))[::-1]
    correct = generator.random(n) < 1 - slope * (1 - top)
    return OutOfFold(top, np.where(correct, top, 1 - top), correct, np.ones(n, dtype=int), top >= 0)


def repeated(out_of_fold, times):
    """The same texts, each with a number of records (n,) instead of one."""
    top, true, correct = (
        values.repeat(times) for values in (out_of_fold.top, out_of_fold.true, out_of_fold.correct)
    )
    return OutOfFold(top, true, correct, np.repeat(times, times), top >= 0)


def drawn_texts(n, seed):
    """Records of n texts; a few texts have many records, which are all right or all wrong."""
    times = np.random.default_rng(seed + 5000).choice([1, 2, 5, 20], n, p=[0.7, 0.2, 0.08, 0.02])
    return repeated(drawn(n, seed), times)


def each_by_itself(out_of_fold):
    """The same records, as if each had a text of its own."""
    return dataclasses.replace(out_of_fold, cluster_size=np.ones_like(out_of_fold.cluster_size))


def labelled(n, seed):
    """Probabilities (n, 4), and labels drawn by them."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(4, 0.4), n)
    labels = np.array([generator.choice(4, p=row) for row in probabilities])
    return probabilities, labels
