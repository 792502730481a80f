"""Text that others wrote, made fit for a terminal."""


def plain(text: str) -> str:
    """The text with whatever is not printable shown as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
