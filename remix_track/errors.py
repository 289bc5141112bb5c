"""The one exception that means: what the user gave cannot be used."""


class InputError(ValueError):
    """A file, option or argument from the user that cannot be used.

    The message is one line that names what is wrong, where, and what to do next. Command lines print it
    without a traceback and exit with code 2; library users catch it as a `ValueError`.
    """
