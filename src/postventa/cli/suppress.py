"""`postventa suppress ADDRESS`: nothing is sent to this address any more, whatever the journeys say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from postventa.cli.acting import AsJson, Folder, act, tell
from postventa.cli.control import who
from postventa.engine.operate import Done, Operators
from postventa.errors import ConfigError


def command(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The mail address.")],
    reason: Annotated[
        str, typer.Option(help="Why. 'bounced' and 'invalid' stop what orders need as well: nothing arrives there.")
    ],
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """Never write to this address again. Mails that its orders need still leave, unless the reason is 'bounced'."""
    if "@" not in address.strip("@"):
        raise ConfigError(f"'{address}' is no mail address", mend="postventa suppress ana@example.com --reason …")

    async def directly(operators: Operators, addresses: Sequence[str]) -> list[Done]:
        return [await operators.suppress(one, who(), reason) for one in addresses]

    tell(act(project, "/v1/suppress", "addresses", [address], {"reason": reason}, directly), as_json, "")
