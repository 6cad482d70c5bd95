"""Training: records in folds, the loop over epochs with early stopping, checkpoints to resume.

- ``Examples``, ``as_examples``, ``assign_folds``: records, and each member's validation fold
- ``read_training_inputs``, ``open_checkpoint``: the encoded records of a run, and its checkpoint
- ``fit``: the training loop, an iterator of ``Epoch``; ``initial_ensemble``: the starting weights
- ``Checkpoint``: saves a training, and resumes it
- ``balance_classes``, ``logit_adjustment``: weights and logits for imbalanced classes
- ``fit_branches``: the linear branch of each member
- ``out_of_fold_targets``, ``out_of_fold_outputs``, ``OutOfFoldPredictions``: cross-validation
- ``RareClasses``: records of dropped classes, which count in the out-of-fold evaluation
"""
