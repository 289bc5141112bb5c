"""Text from outside made fit for a terminal: the one place that decides what of it may steer one."""

from remix_track.addresses import without_passwords


def printable(text: object) -> str:
    r"""Text in one line that no terminal acts on, and without the passwords of addresses.

    Names of files, addresses, lines of lists, keys and cards come from others. Control characters (escape sequences,
    line ends, C1), marks that turn the direction of writing, and letters that are no text (halves of surrogate pairs,
    which stand for bytes of a name that is not UTF-8) are written as `\x1b`, `\u202e`, `\xff`.
    """
    shown = without_passwords(str(text))
    return shown if shown.isprintable() else "".join(map(_escaped, shown))


def _escaped(letter: str) -> str:
    # Blanks of other widths are harmless, and usual in names of some languages.
    if letter.isprintable() or letter in "\u3000\xa0":
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape" if code < 0x80 else "ascii", "backslashreplace").decode("ascii")
