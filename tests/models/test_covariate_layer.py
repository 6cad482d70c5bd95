"""The covariate layer, and the columns of the linear branch."""

import numpy as np
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from textlstm.models.covariate_layer import CovariateLayer
from textlstm.models.linear_fit import _fit, _with_covariates


def test_it_adds_nothing_where_all_covariates_are_missing():
    layer = CovariateLayer((2, 3), 4, 0.5)
    torch.nn.init.normal_(layer.weight)
    assert layer(torch.zeros(3, 5)).eq(0).all()
    assert layer(torch.eye(5)).equal(layer.weight.T)


def test_whole_covariates_are_dropped_in_training_and_none_without_a_generator():
    layer = CovariateLayer((2, 3), 1, 0.25)
    torch.nn.init.ones_(layer.weight)
    features = torch.tensor([[0.5, 0.5, 0.0, 1.0, 0.0]]).expand(40_000, -1)
    added = layer(features, torch.Generator().manual_seed(0)).flatten()
    shares = [(added == value).float().mean().item() for value in (0.0, 1.0, 2.0)]
    kept = 0.75  # all together, and each by itself
    expected = [1 - kept + kept * 0.25**2, kept * 2 * 0.25 * 0.75, kept * 0.75**2]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    assert layer(features).eq(2.0).all()


def test_records_are_fitted_with_their_covariates_and_without():
    generator = np.random.default_rng(0)
    features = sparse.csr_matrix(generator.random((6, 3)))
    texts, labels = generator.integers(6, size=80), generator.integers(3, size=80)
    beside = np.eye(2, dtype=np.float32)[generator.integers(2, size=80)]
    weights = generator.random(80).astype(np.float32)
    both = _with_covariates(features, beside, texts, labels, weights, 0.2)
    scores, bias = _fit(*both, 3, 1.0)
    plain = np.hstack([features.toarray()[texts], beside])
    bare = np.hstack([features.toarray()[texts], np.zeros_like(beside)])
    expected = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(
        np.vstack([plain, bare]), np.tile(labels, 2), np.concatenate([weights * 0.8, weights * 0.2])
    )
    np.testing.assert_allclose(scores.T, expected.coef_, atol=2e-2)
    np.testing.assert_allclose(bias, expected.intercept_, atol=2e-2)
