"""Comparison: which models are better than others on the same records, and which of it is chance.

``ModelResult``, ``measure_model``
    A trained model on its holdout.
``on_common_records``
    Restrict results to the records that are in every holdout.
``PairwiseDifferences``, ``block_differences``, ``resampled_differences``
    Differences of every two models, with simultaneous intervals.
``Comparison``
    The scores of all models, their costs, and the differences that are real.
"""
