"""The two signs that mark an address in a text part on its way from a template to the finished mail."""

URL_OPEN, URL_CLOSE = "\x02", "\x03"


def text_url(url: str) -> str:
    """An address in a text part, marked so that the renderer finds it (utm, safe scheme)."""
    return f"{URL_OPEN}{url}{URL_CLOSE}"
