"""Engines that score tables of any size with the pure ``score_table`` step.

Public names:

- ``chunks.read_chunks``: read a file as chunks of rows and distinct records
- ``local.predict_tables``: score chunks on the processors of one machine
- ``files.predict_file``: score a file and write a file; an interrupted job is resumed
"""
