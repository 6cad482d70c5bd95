"""A trained model on new records: load it, score tables, decide which records a person sees.

Public names:

- ``bundle.Bundle``: the trained, calibrated classifier; ``predict``, ``save``, ``load``
- ``rules.DecisionRule``: the thresholds of accept or review, and of prediction sets
- ``rules.DecisionRequest``: what a user asks for: a promised error, a coverage
- ``scoring.Scores``, ``scoring.score``: predictions of texts, and the decisions that follow
- ``score_table.score_table``: Arrow table in, Arrow table with predictions out; pure
- ``drift.InputStatistics``: statistics of the inputs, and drift warnings
- ``engines.local.predict_tables``: tables of any size, many cores, distinct inputs cached
- ``engines.files.predict_file``: from file to file, resumable
"""
