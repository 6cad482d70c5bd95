"""Tables in, records out: read, preprocess, select, split.

Public names:

- ``readers.iter_tables``, ``readers.read_table``: a table of any format, chunk by chunk or whole
- ``options.ReadOptions``, ``options.Limits``: how files are read, and the sizes of chunks
- ``cells.column``, ``cells.distinct_records``, ``cells.as_records``: cells of a table as text
- ``distinct.Distinct``: distinct inputs and the inverse index that restores the records
- ``labelled.LabelledTable``: preprocessed records with their labels
- ``preprocessing.read_labelled``, ``preprocessing.prepare``: from a table to split records
- ``records.select_usable``, ``records.read_splits``: usable records, and their Parquet files
- ``splits.split``, ``splits.split_off``, ``splits.METHODS``: training, validation and holdout
- ``groups.group_names``: groups of records, such as years and ages
- ``labels.plain_label``, ``labels.label_warnings``: normalised labels, and doubts about labels
"""
