"""Bayesian regularisation: weight decay by the evidence framework (MacKay 1992).

The weights have a normal prior of precision alpha. The evidence of the training records is highest
where ``alpha = gamma / |w|^2``. Gamma counts the weights that the records determine: the sum of
``h / (h + alpha)`` over the curvatures h of the loss. Foresee and Hagan (1997) re-estimate both in
training. Beta, the precision of the noise, is one: a softmax has no noise of its own, and the
temperature that is fitted afterwards takes its place.

The curvatures are the diagonal of the Fisher matrix. Adam keeps the mean square of the gradients of
batches; those of B records vary by a B-th of the Fisher matrix of one record, so that the curvature
over N records is N * B times that mean square (Khan et al. 2018). Nothing has to be computed beside
the training.
"""

import torch


@torch.no_grad()
def reestimate_weight_decay(
    optimizer: torch.optim.Optimizer, n_records: int, batch_size: int
) -> float:
    """Set the weight decay of Adam's weight matrices, its first group, by their evidence.

    The loss is a mean over records, so that the weight decay is alpha / N.

    Parameters
    ----------
    n_records, batch_size
        N and B.

    Returns
    -------
    float
        Gamma, the effective number of weights; 0 before the first step.
    """
    group = optimizer.param_groups[0]
    alpha = n_records * group["weight_decay"]
    gamma = squares = 0.0
    for weight in group["params"]:
        if state := optimizer.state[weight]:
            bias = 1 - group["betas"][1] ** float(state["step"])
            curvature = n_records * batch_size * state["exp_avg_sq"].double() / bias
            # A weight without any gradient, as of a word that no record has, is not determined.
            determined = curvature > 0
            gamma += float((curvature / (curvature + alpha))[determined].sum())
            squares += float(weight.double().square().sum())
    if gamma and squares:
        group["weight_decay"] = gamma / squares / n_records
    return gamma
