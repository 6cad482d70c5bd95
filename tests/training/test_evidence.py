"""Bayesian regularisation: the formula, its limits, and a training that is resumed."""

import numpy as np
import pytest
import torch

from textlstm.config import RunConfig
from textlstm.errors import InputError
from textlstm.recipe import Recipe, load_recipe
from textlstm.training.evidence import reestimate_weight_decay

N, BATCH = 400, 20


def trained(labels, decay=0.01, epochs=60):
    """A logistic regression on N records of 10 features, its decay re-estimated each epoch."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(N, 10, generator=generator)
    target = labels(features, generator)
    weight = torch.zeros(1, 10, requires_grad=True)
    groups = [{"params": [weight], "weight_decay": decay}]
    optimizer = torch.optim.Adam(groups, lr=0.02)
    for _ in range(epochs):
        for rows in torch.randperm(N, generator=generator).split(BATCH):
            optimizer.zero_grad()
            logits = (features[rows] @ weight.T).squeeze(1)
            torch.nn.functional.binary_cross_entropy_with_logits(logits, target[rows]).backward()
            optimizer.step()
        gamma = reestimate_weight_decay(optimizer, N, BATCH)
    return optimizer, weight.detach(), gamma


def by_features(features, generator):
    chances = (2.0 * features[:, 0] - 2.0 * features[:, 1]).sigmoid()
    return torch.bernoulli(chances, generator=generator)


def by_chance(features, generator):
    return torch.bernoulli(torch.full((N,), 0.5), generator=generator)


def test_decay_and_effective_number_follow_the_formula():
    optimizer, weight, _ = trained(by_features, epochs=1)
    (group,) = optimizer.param_groups
    alpha = N * group["weight_decay"]
    state = optimizer.state[group["params"][0]]
    mean_square = state["exp_avg_sq"].double() / (1 - 0.999 ** float(state["step"]))
    curvature = N * BATCH * mean_square.numpy()
    expected = (curvature / (curvature + alpha)).sum()
    assert reestimate_weight_decay(optimizer, N, BATCH) == pytest.approx(expected)
    squares = float(weight.double().square().sum())
    assert group["weight_decay"] == pytest.approx(expected / squares / N)


def test_labels_by_chance_shrink_the_weights_and_a_signal_does_not():
    signal, noise = trained(by_features), trained(by_chance)
    decays = [optimizer.param_groups[0]["weight_decay"] for optimizer, *_ in (signal, noise)]
    assert decays[1] > 20 * decays[0]
    assert float(noise[1].abs().max()) < 0.1 < 1.0 < float(signal[1].abs().max())
    assert noise[2] < signal[2] <= 10


def test_the_decay_is_near_that_of_the_exact_evidence():
    """The fixed point of MacKay's equations with the whole Hessian, on the same records."""
    optimizer, _, _ = trained(by_features, epochs=200)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 10, generator=generator).double().numpy()
    y = by_features(torch.from_numpy(x).float(), generator).numpy()
    alpha, w = 1.0, np.zeros(10)
    for _ in range(200):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (p * (1 - p))[:, None]).T @ x
        w -= np.linalg.solve(hessian + alpha * np.eye(10), x.T @ (p - y) + alpha * w)
        curvature = np.linalg.eigvalsh(hessian)
        alpha = (curvature / (curvature + alpha)).sum() / (w @ w)
    found = N * optimizer.param_groups[0]["weight_decay"]
    assert found == pytest.approx(alpha, rel=0.3)


def test_without_a_step_nothing_is_estimated():
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = torch.optim.Adam([{"params": [weight], "weight_decay": 0.5}])
    assert reestimate_weight_decay(optimizer, N, BATCH) == 0.0
    assert optimizer.param_groups[0]["weight_decay"] == 0.5


def test_it_needs_adam():
    recipe = Recipe().with_fields(bayesian_regularisation=True, optimizer="adamw")
    with pytest.raises(InputError, match="--bayesian-regularisation needs --optimizer adam"):
        RunConfig(recipe=recipe)
    assert RunConfig(recipe=load_recipe("bayesian-regularisation"))
