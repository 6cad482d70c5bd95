"""Measures of a model and its baselines on the holdout: tables in, an evaluation out.

Nothing here reads or writes a file. Public names:

* ``evaluate.evaluate``: measure a bundle, and baselines trained on the same records
* ``new_records.NewRecords``: labelled records of another table
* ``new_evaluation.evaluate_new``: measure a bundle on them, without any training
* ``results.Evaluation``: all measures; ``Evaluation.to_dict`` gives the contents of metrics.json
* ``metrics.Measures``: accuracy, F1, log loss, Brier score, expected calibration error
* ``bootstrap.paired_bootstrap``: the difference of two models with its confidence interval
* ``bootstrap.measure_intervals``: the confidence intervals of the measures
* ``baselines.BASELINES``, ``baselines.majority``, ``baselines.tfidf_logreg``: class shares, and
  TF-IDF with logistic regression
* ``decisions.measure_decisions``: promised error rates and prediction sets, checked on the holdout
* ``subgroups.RecordOutcomes``: the measures of subgroups of records
"""
