"""Review: the doubtful texts go to a person, and the codes come back as training records.

Public names:

- ``queue.build_queue``: the texts that a person should see, in the order of their worth
- ``sheet.queue_csv``, ``sheet.read_answers``: the queue as a spreadsheet, written and read back
- ``answers.merge_answers``: the answers of several people, and where they differ
- ``answers.expand_to_records``: the training records that the answers stand for
- ``exporting.export_queue``: from a scored table to a queue file
- ``importing.import_answers``: from filled queues to a training table
"""
