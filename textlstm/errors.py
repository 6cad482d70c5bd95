"""The one error a user can cause."""


class InputError(ValueError):
    """A mistake in what the user gave: a file, a column, a value, a folder.

    The message is one line that names the file, row or column and says what to do. It never
    quotes a record's text. The stages print it and exit with status 2.
    """
