"""From a record as it was written to its words: cleaning and tokenizing.

cleaning
    ``clean`` normalises a field; ``count_repairs`` counts what it repairs.
tokenizing
    ``tokenize`` gives the words of a field, ``preprocess`` those of records; ``SEPARATOR`` stands
    between fields, and ``split_fields`` undoes it; ``word_document_counts`` counts words.
stop_lists
    ``spacy_stop_words`` gives the stop words of a language.
spans
    ``word_spans`` finds each word in the field as written; ``highlight`` gives words their values.
worker
    ``preprocessing_process`` preprocesses in another process.
"""
