"""The webhook's signature is the Standard Webhooks one, and its answers are read the careful way."""

from __future__ import annotations

import base64
import json

import pytest
from harness import SECRET, envelope, hook

from postventa.channels.webhook import WebhookChannel, WebhookSettings, signature
from postventa.errors import ChannelError, ConfigError


async def yes() -> bool:
    return True


def test_the_published_example_of_the_specification_comes_out() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_request_is_signed_over_the_bytes_that_arrive() -> None:
    async with hook() as far:
        await far.channel.deliver(envelope("e9"), yes)
        headers, body = far.requests[0]
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        assert headers["webhook-signature"] == signature(key, "e9", headers["webhook-timestamp"], body)
        assert json.loads(body)["data"]["to"] == "ana@example.com"


@pytest.mark.parametrize(
    ("answer", "phase", "permanent"),
    [
        ("503 Busy", "before_intent", False),
        ("429 Slow down", "before_intent", False),
        ("400 Bad", "before_intent", True),
        ("302 Found", "before_intent", True),
        ("500 Oops", "after_intent", False),
        ("504 Gateway", "after_intent", False),
    ],
)
async def test_answers(answer: str, phase: str, permanent: bool) -> None:
    async with hook() as far:
        far.answer = answer
        with pytest.raises(ChannelError) as error:
            await far.channel.deliver(envelope(), yes)
        assert (error.value.phase, error.value.permanent) == (phase, permanent)


def test_a_weak_secret_is_refused_and_told_how_to_mend() -> None:
    with pytest.raises(ConfigError, match="24 bytes"):
        WebhookChannel(WebhookSettings("https://shop.example/hook", "whsec_c2hvcnQ="))
