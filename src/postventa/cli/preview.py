"""`postventa preview MESSAGE`: a message as a customer would get it, with a made-up order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from postventa.project import Project
    from postventa.templates.render import Rendered


def command(
    message: Annotated[str, typer.Argument(help="The message's folder in templates/.")],
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    locale: Annotated[str, typer.Option(help="The customer's language; default: the shop's.")] = "",
    variant: Annotated[str | None, typer.Option(help="A folder that choose_by can choose.")] = None,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Send it there by the project's mail server.")] = "",
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part instead of the text.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Render a message for a sample customer: print it, open it in the browser, or send it to yourself."""
    from postventa.project import Project
    from postventa.templates.sample import sample_context

    loaded = Project.load(project)
    language = locale or loaded.settings.locale
    mail = loaded.messages.render(message, language, sample_context(language), variant=variant)
    if to:
        import asyncio

        typer.echo(asyncio.run(_send(loaded, message, mail, to)))
        return
    if open_:
        typer.echo(f"Opened {_open(mail, message)}")
        return
    typer.echo(mail.html if html else f"Subject: {mail.subject}\n{mail.preheader}\n\n{mail.text}")


def _open(mail: Rendered, message: str) -> Path:
    import tempfile
    import webbrowser

    page = Path(tempfile.gettempdir()) / f"postventa-{message}.html"
    page.write_text(mail.html, encoding="utf-8")
    webbrowser.open(page.as_uri())
    return page


async def _send(project: Project, message: str, mail: Rendered, to: str) -> str:
    """By the real channel, whatever the policy says: it goes to whoever asked for it."""
    import secrets
    from datetime import UTC, datetime

    from postventa.channels.base import Envelope, message_id_for
    from postventa.errors import ConfigError
    from postventa.runtimes.outward import is_real, smtp_of

    if not is_real(project.settings):
        mend = "set channels.email.kind: smtp, or look at it with --open"
        raise ConfigError(
            "this project sends no mail (kind: mailbox)", where="postventa.yaml: channels.email", mend=mend
        )
    sender, name = project.messages.sender(message), f"preview-{secrets.token_hex(8)}"
    envelope = Envelope(
        effect_id=name, message=message, to=to, sender=sender.address, sender_name=sender.name,
        subject=f"[preview] {mail.subject}", html=mail.html, text=mail.text, date=datetime.now(UTC),
        message_id=message_id_for(name, sender.address), locale=mail.locale,
    )  # fmt: skip
    channel = smtp_of(project.settings.channels.email)
    try:
        receipt = await channel.deliver(envelope, _at_once)
    finally:
        await channel.close()
    return f"Sent to {to}: {receipt.detail}"


async def _at_once() -> bool:
    return True
