"""Names as matplotlib draws them."""


def literal(text: str) -> str:
    r"""The text so that matplotlib shows it as it is; it reads what stands between two dollar signs as mathematics.

        assert literal("a$b$c") == r"a\$b\$c"

    Source: matplotlib's documentation, "Writing mathematical expressions".
    """
    return text.replace("$", r"\$")
