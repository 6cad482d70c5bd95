"""Prediction: a trained model on new records, and which of them a person reviews.

Public names:

- ``bundle.Bundle``: the trained, calibrated classifier in one folder
- ``rules.DecisionRule``: the thresholds of accept or review (abstention), and of prediction sets
- ``rules.DecisionRequest``: what a user asks for, such as a promised error or a coverage
- ``scoring.Scores``, ``scoring.score``: predictions of texts, and the decisions that follow
- ``score_table.score_table``: Arrow table in, Arrow table with predictions out; pure
- ``drift.InputStatistics``: statistics of the inputs, and drift warnings
- ``local.predict_tables``: the local engine: tables of any size, many cores, deduplicated inputs
- ``files.predict_file``: the local engine from file to file; resumes an interrupted job
"""
