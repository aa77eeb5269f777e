"""What every code means: one sentence or two for `postventa validate --explain CODE` and for the reference."""

from __future__ import annotations

from postventa.journeys import languages, loyalty, products, rules, surveys, wordings

FORM = {
    "J101": "A journey's id is its file's name, and the file holds one journey as keys and values.",
    "J102": "Names are in kebab-case: small letters, digits and '-'. They become ids, file names and addresses.",
    "J103": "A key that has to be there is missing. Nothing that decides what a customer receives is guessed.",
    "J104": "There is no such key here. A key that is not read would silently do nothing, so it is refused.",
    "J105": "The value has the wrong shape: a list where keys are expected, or the other way round.",
    "J106": "A step begins with a verb: send, wait, wait_for, ask, branch …",
    "J107": "Each step does one thing; two verbs are two steps.",
    "J108": "Not a duration. `3 days` keeps the local clock time, `72 hours` is exact; Spanish and ISO 8601 work too.",
    "J109": 'Not a time of day (`"10:00"`) or a day of the week.',
    "J110": "The key takes one of a few words, and this is none of them.",
    "J111": "Not a whole number in the allowed range.",
    "J112": "A path is a thing and its fact, joined by dots: `order.total`, `line.product.tutorial_url`.",
    "J113": "An empty list does nothing; say `go_on` where nothing has to happen.",
    "J114": "A key that means nothing without another one beside it.",
    "J115": "The language reserves this word and will have it; this version does not do it yet.",
    "J116": "There is no such condition word.",
    "J118": "Every branch ends with `otherwise`, so that it is clear what happens to everybody else.",
    "J206": "The two sides of a comparison are of different kinds, so it could never hold.",
    "J246": "People stand at a step that the changed file no longer has, and it says `follow` or `retime`: they would "
    "go on at the next step that is kept, or have nowhere to go on. `postventa plan` shows who would go where.",
    "J219": "`then` has a block for an event that this step does not wait for.",
}
YAML = {
    "Y101": "Files are at most 256 kB.",
    "Y102": "Files are UTF-8 text.",
    "Y103": "Control signs are invisible and break databases and mails.",
    "Y104": "YAML does not allow tabs at the beginning of a line.",
    "Y105": "Some signs begin something else in YAML; a value that begins with one needs quotes.",
    "Y106": "A ': ' inside a text makes YAML see a key; so does a line that is indented too far.",
    "Y107": "A bracket or quote is opened and not closed.",
    "Y108": "The line does not fit the shape of the lines around it.",
    "Y109": "One file holds one document.",
    "Y110": "Files are read as YAML 1.2, without directives.",
    "Y111": "The file holds nothing but comments.",
    "Y112": "Files are at most 32 levels deep.",
    "Y113": "Anchors, aliases and merge keys make two places depend on each other invisibly; they are not read.",
    "Y114": "Tags change what a value is; they are not read.",
    "Y115": "A key is a plain word. `{{ … }}` without quotes looks like a group of keys to YAML.",
    "Y116": "The same key twice: only one could count, and nobody would see which.",
    "Y117": "Files end in .yaml. One that ends in .yml would be passed over without a word.",
}
CODES: dict[str, str] = {
    **YAML, **FORM, **rules.CODES, **wordings.CODES, **surveys.CODES, **loyalty.CODES, **products.CODES,
    **languages.CODES,
}  # fmt: skip
