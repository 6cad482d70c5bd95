"""How far predictions can be trusted: calibration, confidence intervals, promised error rates.

Everything here works on NumPy arrays, without the network. Public names:

* ``predictions.Predictions``: probabilities of n records, kept once for each distinct input
* ``calibration.fit_temperature``, ``apply_temperature``: temperature scaling
* ``calibration.fit_linear_weight``, ``mix_log_probs``: the mixing weight of the linear model
* ``intervals.proportion``, ``upper_bound``: exact confidence intervals (Clopper-Pearson)
* ``intervals.design_effect``: how many records with the same text count as one
* ``out_of_fold.OutOfFold``: predictions of training records by members not trained on them
* ``risk_control.promise``: the threshold of abstention at which an error rate can be promised
* ``risk_coverage.risk_coverage_curve``: error rate against the share coded automatically
* ``conformal.conformal_threshold``, ``prediction_sets``: conformal prediction sets
"""
