"""The words of our parsers (pydantic, Jinja) never reach a person: every finding is a sentence, in both languages."""

from __future__ import annotations

import re

import pytest

from postventa.project import Project
from postventa.source.language import known

SHOP = b"shop: S\n"
SURVEY = b"survey: s\nmessage: hello\n"
HELLO = {
    "templates/hello/message.yaml": b"class: transactional\nsubject: Hello\n",
    "templates/hello/en.md": b"Hello.\n",
}
JARGON = re.compile(
    r"input|parse|instance|dictionary|string|tuple|integer|boolean|discriminator|validat|token|regex|pattern|[\^]",
    re.IGNORECASE,
)
BAD = {
    "postventa.yaml": [
        SHOP + text
        for text in (
            b"caps: 3\n", b"caps: [{emails: many, per: 7 days}]\n", b"caps: [{emails: -1, per: 7 days}]\n",
            b"caps: [{per: 7 days}]\n", b"windows: [{from: 9, to: ten}]\n", b"groups: [a]\n", b"groups: {a: b}\n",
            b"currency: euro\n", b"country: ESP\n", b"timezone: 3\n", b"locales: es\n", b"live_from: yesterday\n",
            b"live_from: 2026-01-01T00:00:00\n", b"channels: {email: {kind: pigeon}}\n", b"channels: {email: {}}\n",
            b"channels: {email: mailbox}\n", b"channels: {email: {kind: smtp, host: 3, port: abc, tls: maybe}}\n",
            b"store: {postgres_schema: A B}\n", b"store: {postgres_pooled: perhaps}\n", b"language: fr\n",
            b"public_url: x\n", b"listen: {public: here}\n", b"kafka: {servers: 3, partitions: 0}\n",
            b"catch_up: [1]\n", b"tags: vip\n", b"out: {webhook: 3}\n", b"keys_env: a b\n",
        )
    ],
    "surveys/s.yaml": [
        SURVEY + text
        for text in (
            b"kind: csat\nquestion: hello\n", b"kind: csat\nquestion: {en: x}\nscale: 5\n",
            b"kind: csat\nquestion: {}\n",
            b"kind: cast\nquestion: {en: x}\n", b"kind: nps\nquestion: {en: x}\nscale: {from: 0, to: 5}\n",
            b"kind: csat\nquestion: {en: x}\nscale: {from: a, to: 200}\nlabels: {en: [a]}\nchoices: [a]\n",
            b"kind: csat\nquestion: {en: x}\nscale: {from: 5, to: 1}\n", b"kind: csat\nquestion: {en: 3}\n",
            b"kind: csat\nquestion: {en: x}\nlabels: {en: [a, b, c]}\nfollow_ups: {a: b}\n",
        )
    ],
    "loyalty.yaml": [
        b"expire: soon\ntiers: 3\n", b"tiers: [{name: a, from: -4}]\nrewards: [a]\n",
        b"rewards: {Big: {codes: generated}}\n", b"rewards: {big: {codes: magic, prefix: abc, valid_for: never}}\n",
        b"earning: [{on: order.paid, points: 0, per: 3}]\n", b"name: 3\n", b"rewards: {big: {codes: file}}\n",
    ],
    "templates/hello/en.md": [
        b"Hello {{ name \n", b"Hello {% if customer %}\n", b"{% fi %}\n", b"{% if x %}{% endfor %}\n", b"{{ }}\n",
        b"{{ a b }}\n", b"{{ 'a }}\n", b"{{ a | }}\n", b"{{ a ! b }}\n", b"{% for x of y %}{% endfor %}\n",
        b"{# open\n",
        b"{{ a[ }}\n", b"{{ a | nothing }}\n",
    ],
}  # fmt: skip


@pytest.mark.parametrize("file", list(BAD))
def test_a_finding_is_a_sentence(file: str) -> None:
    for raw in BAD[file]:
        project = Project.from_files({"postventa.yaml": SHOP, **HELLO, file: raw})
        found = [one for one in project.problems if one.file == file]
        assert found, raw
        for one in found:
            assert not JARGON.search(re.sub(r"'[^']*'", "", one.message)), one.message
            assert known(one.message, "es"), one.message
