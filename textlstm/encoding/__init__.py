"""From preprocessed texts to word ids, and from word ids to batches of tensors.

Public names:

- ``vocabulary.Vocabulary``: words and their ids, fitted on the training texts
- ``abbreviations.Abbreviations``: meanings of words outside the vocabulary
- ``abbreviation_table.read_abbreviations``: the user's table of abbreviations
- ``encoded.EncodedTexts``, ``encoded.read_encoded``, ``encoded.write_encoded``: word ids of texts
- ``encoded_splits.encode_splits``: the records of a run, encoded
- ``corpus.Corpus``: encoded texts as tensors, deduplicated
- ``batching.Batch``, ``batching.shuffled_batches``: batches for training and prediction
- ``terms.form_counts``, ``terms.document_frequencies``: sparse counts of words and n-grams
"""
