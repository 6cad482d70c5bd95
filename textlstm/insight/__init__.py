"""What a trained model does and why: attributions, activations, and doubts about labels.

``attributions.attributions``
    What each word of a text adds to the log probability of a class (integrated gradients).
``class_words.top_words``
    The words that speak most for the class of each text.
``class_words.class_words``
    The words that speak for each class, over many records.
``token_table.token_table``
    Attributions and gates as a table with a row for each token.
``explained_inputs.explain_inputs``, ``explanation_table.explanation_rows``
    What each word and each covariate adds, as one table with the names of the records.
``deletion.deletion_test``
    Whether the words named as deciding do decide (faithfulness).
``activations.trace``, ``activations.token_traces``
    Gates and states of the recurrent cell at each time step, and at the tokens of texts.
``activations.unit_usage``
    Hidden units that stay unused.
``activations.neighbours``
    The words whose vectors are closest to a word's.
``record_selection.select_records``
    The records of a table that a user names by id or row.
``robustness.robustness``
    The accuracy on texts with typos, dropped letters, abbreviations or shuffled words.
``label_errors.label_suspects``
    Labels that are probably wrong (confident learning); also ``textlstm.label_suspects``.
``label_errors.conflicting_labels``
    Records that share a text and differ in their label.
"""
