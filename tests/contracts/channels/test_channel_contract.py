"""One contract for every channel: nothing leaves before the intent, and what is not known is never called sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from harness import Far, box, envelope, hook, mail_server

from postventa.channels.base import Refused
from postventa.errors import ChannelError

SIDES: dict[str, Any] = {"smtp": mail_server, "webhook": hook, "mailbox": box}


@pytest.fixture(params=SIDES)
async def far(request: pytest.FixtureRequest) -> AsyncIterator[Far]:
    async with SIDES[request.param]() as side:
        yield side


class Intent:
    """Counts how often it was asked and remembers what had arrived by then."""

    def __init__(self, far: Far, answer: bool = True) -> None:
        self.far, self.answer, self.asked = far, answer, 0

    async def __call__(self) -> bool:
        self.asked += 1
        self.arrived = list(self.far.received)
        return self.answer


async def test_an_accepted_message_arrives_once_and_only_after_the_intent(far: Far) -> None:
    intent = Intent(far)
    receipt = await far.channel.deliver(envelope(), intent)
    assert receipt.status == "sent"
    assert (intent.asked, intent.arrived, len(far.received)) == (1, [], 1)


async def test_a_refused_intent_means_nothing_leaves_and_the_next_message_goes_out(far: Far) -> None:
    receipt = await far.channel.deliver(envelope("e1"), Intent(far, answer=False))
    assert (receipt.status, far.received) == ("withdrawn", [])
    assert (await far.channel.deliver(envelope("e2"), Intent(far))).status == "sent"
    assert len(far.received) == 1


async def test_a_refused_recipient_is_permanent_and_told_as_such(far: Far) -> None:
    with pytest.raises(Refused) as refused:
        await far.channel.deliver(envelope(to=far.refuses), Intent(far))
    assert refused.value.permanent
    assert refused.value.recipient
    assert far.refuses.split("@")[0].split()[0] in str(refused.value) or refused.value.code == 422
    assert far.received == []
    assert (await far.channel.deliver(envelope("e2"), Intent(far))).status == "sent"


@pytest.mark.parametrize("far", ["smtp", "webhook"], indirect=True)  # the mailbox has no connection to lose
async def test_a_connection_lost_before_the_hand_over_is_safe_to_retry(far: Far) -> None:
    far.breaks_before()
    with pytest.raises(ChannelError) as lost:
        await far.channel.deliver(envelope(), Intent(far))
    assert lost.value.phase in {"connect", "before_intent"}
    assert not lost.value.permanent
    assert far.received == []


async def test_a_connection_lost_after_the_hand_over_is_in_doubt(far: Far) -> None:
    far.swallow = 1
    with pytest.raises(ChannelError) as lost:
        await far.channel.deliver(envelope(), Intent(far))
    assert lost.value.phase == "after_intent"
    assert not lost.value.permanent


async def test_a_repeated_message_carries_the_same_id_so_that_the_other_side_can_see_it_is_one(far: Far) -> None:
    far.swallow = 1
    with pytest.raises(ChannelError):
        await far.channel.deliver(envelope("e7"), Intent(far))
    await far.channel.deliver(envelope("e7"), Intent(far))
    assert len(far.received) == 2
    assert len(set(far.received)) == 1


async def test_an_error_of_the_intent_itself_leaves_nothing_and_the_channel_usable(far: Far) -> None:
    async def broken() -> bool:
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="database"):
        await far.channel.deliver(envelope("e1"), broken)
    assert far.received == []
    assert (await far.channel.deliver(envelope("e2"), Intent(far))).status == "sent"


@pytest.mark.parametrize("far", ["smtp", "mailbox"], indirect=True)  # a webhook has no mail headers
async def test_a_line_break_in_a_header_is_refused_before_anything_leaves(far: Far) -> None:
    with pytest.raises(Refused, match="line break"):
        await far.channel.deliver(envelope(subject="Hola\r\nBcc: all@example.com"), Intent(far))
    assert far.received == []


async def test_check_says_how_the_channel_stands(far: Far) -> None:
    assert await far.channel.check()
