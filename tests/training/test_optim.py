"""The optimizer, the learning-rate schedule, gradient clipping."""

import math

import pytest
import torch

from textlstm.models.network import Network
from textlstm.recipe import Recipe, load_recipe
from textlstm.training.optim import clip_gradients, make_optimizer, make_schedule


def parameters_with_gradients():
    first, second = (torch.nn.Parameter(torch.zeros(n)) for n in (4, 9))
    first.grad, second.grad = torch.full((4,), 10.0), torch.full((9,), 1.0)  # norms 20 and 3
    return first, second


def test_clipping_by_parameter_gives_each_gradient_its_own_norm():
    config = load_recipe("okut-table2").training
    first, second = parameters_with_gradients()
    clip_gradients([first, second], config)
    assert float(first.grad.norm()) == pytest.approx(8.0, rel=1e-5)
    assert second.grad.tolist() == [1.0] * 9


def test_global_clipping_keeps_the_direction():
    config = Recipe().with_fields(max_grad_norm=1.0, clip_scope="global").training
    first, second = parameters_with_gradients()
    clip_gradients([first, second], config)
    assert math.hypot(first.grad.norm(), second.grad.norm()) == pytest.approx(1.0, rel=1e-4)
    assert float(first.grad[0] / second.grad[0]) == pytest.approx(10.0)


def test_weight_decay_applies_to_matrices_only():
    network = Network(Recipe().network, 9, 3)
    optimizer = make_optimizer(network, Recipe().with_fields(weight_decay=0.1).training)
    matrices, biases = optimizer.param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.1, 0.0)
    assert {p.ndim for p in matrices["params"]} == {2} and {p.ndim for p in biases["params"]} == {1}


def test_the_one_cycle_schedule_rises_and_falls():
    config = Recipe().with_fields(schedule="one_cycle", learning_rate=0.01).training
    optimizer = make_optimizer(torch.nn.Linear(2, 2), config)
    schedule = make_schedule(optimizer, config, 10)
    rates = []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.01, rel=0.05)
    assert rates[0] < max(rates) > rates[-1]


def test_a_piecewise_rate_drops_every_so_many_epochs():
    config = (
        Recipe()
        .with_fields(
            schedule="piecewise", learning_rate=0.8, epochs=5, drop_period=2, drop_factor=0.5
        )
        .training
    )
    optimizer = make_optimizer(torch.nn.Linear(2, 2), config)
    schedule = make_schedule(optimizer, config, n_steps=5 * 3)
    rates = []
    for _ in range(15):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.8] * 6 + [0.4] * 6 + [0.2] * 3)
