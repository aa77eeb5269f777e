"""What every code about a message means: one sentence or two for `postventa explain CODE`."""

from __future__ import annotations

CODES = {
    "T100": "message.yaml holds keys and values: what the message is, and its subject.",
    "T101": "There is no such key in message.yaml.",
    "T102": "A value that does not fit.",
    "T103": "`class` and `subject` have to be there: whether a mail may leave without consent is never guessed.",
    "T104": "The law does not count asking for opinions or friends, or offers, as part of the contract: such a message "
    "is soft_opt_in or marketing.",
    "T105": "A message is a folder, templates/<message>/, with message.yaml and a body per language. This file belongs "
    "to none.",
    "T106": "A folder in templates/ without message.yaml: nobody knows whether the mail may leave.",
    "T107": "A message without a body cannot be sent.",
    "T108": "Only sub-folders have a body, so nobody gets the mail whom `choose_by` leads to none of them.",
    "T109": "A text file beside a body is its text part; alone it is nothing. Of two bodies in one language only the "
    "HTML counts.",
    "T110": "The template cannot be read: a filter that does not exist, or braces that do not close.",
    "T111": "A Markdown body is safe from HTML: it is shown as it is written. Use Markdown, or a block, or es.html.",
    "T112": "There is no such block, or it wants something else behind its name.",
    "T113": "Bodies are UTF-8 text of at most 256 kB without control signs.",
    "T114": "Messages are small on purpose: no files from elsewhere, no macros, no loops without end.",
    "T115": "Gmail cuts mails at 102 kB, and what it cuts is the foot with the link to unsubscribe.",
    "T116": "A word that the shop avoids (`words_to_avoid` in brand.yaml).",
    "T120": "A mail that the customer may stop needs a link that stops it. Markdown bodies have one by themselves.",
    "T121": "The law asks for the sender's postal address in such mails: `postal_address` in brand.yaml, shown in "
    "every foot; an HTML body puts it in itself.",
    "T122": "There is a body in this language, but no subject or preheader: the customer would read two languages.",
    "T123": "A survey's mail needs something to press: `::: stars` or `::: scale`, or links made with `links.answer`.",
    "T124": "No body in the shop's own language; customers whose language is not known would read another one.",
    "T126": "The body reads something of brand.yaml that is not there; the mail would fail.",
}
