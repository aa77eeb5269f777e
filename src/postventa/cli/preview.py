"""`postventa preview [MESSAGE]`: messages as customers would get them, measured: of a sample, or of a real event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from postventa.project import Project
    from postventa.templates.render import Rendered
    from postventa.web.past import Past
    from postventa.web.previewing import Preview
    from postventa.web.tongue import Tongue


def command(
    message: Annotated[str, typer.Argument(help="The message's folder in templates/; default: all of them.")] = "",
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    locale: Annotated[str, typer.Option(help="Only this language; default: the shop's.")] = "",
    variant: Annotated[str, typer.Option(help="A folder that choose_by can choose.")] = "",
    customer: Annotated[
        str, typer.Option(metavar="WHO", help="For this customer of the store, or of --events: id, order or address.")
    ] = "",
    events: Annotated[Path | None, typer.Option(metavar="FILE", help="For a customer of these past events.")] = None,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Send it there by the project's mail server.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write every language as HTML, text, JSON, and a page of all."),
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part instead of the text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document: lengths, sizes, findings.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Show a message with its lengths and size, and what is missing. Exit code 1 when there is something to mend."""
    from postventa.project import Project
    from postventa.web.tongue import tongue

    loaded = Project.load(project)
    t = tongue(loaded.settings.language)
    past = _past(loaded, project, message, customer, events)
    made = _made(loaded, message, locale, variant, past, t)
    chosen = _chosen(made, locale or (past.locale if past else loaded.settings.locale), variant)
    if to:
        import asyncio

        typer.echo(asyncio.run(_send(loaded, chosen.message, _sound(chosen), to, t)))
        return
    if out is not None:
        from postventa.web.gallery import PAGE, write_gallery

        count = write_gallery(made, loaded, out, t)
    if open_ and out is not None:
        typer.echo(t("opened {file}", file=_browse(out / PAGE)))
    elif open_:
        typer.echo(t("opened {file}", file=_open(_sound(chosen), chosen.name)))
    elif as_json:
        typer.echo(json.dumps({"previews": [one.row() for one in made]}, ensure_ascii=False, indent=1))
    elif html:
        typer.echo(_sound(chosen).html)
    else:
        _print(made, chosen if message and out is None else None, t)
        if out is not None:
            typer.echo(t("{count} files in {folder}", count=count, folder=out))
    if any(one.findings for one in made):
        raise typer.Exit(1)


def _made(project: Project, message: str, locale: str, variant: str, past: Past | None, t: Tongue) -> list[Preview]:
    """What is looked at: one message or all, in every language unless one is named."""
    from postventa.errors import ConfigError
    from postventa.web.previewing import preview, previews

    if not message and not list(project.messages):
        raise ConfigError("there is no message to look at", "templates/", "postventa new message NAME")
    if message:
        project.messages.spec(message)  # says what there is, where there is none of that name
    names = [message] if message else list(project.messages)
    found = [one for name in names for one in previews(project, name, t, past=past)]
    found = [one for one in found if not variant or one.variant == variant]
    if locale:
        mine = [one for one in found if one.locale == locale]
        found = mine or [preview(project, name, locale, variant, t, past=past) for name in names]
    if not found:
        raise ConfigError(f"{message} has no variant {variant!r}", mend=", ".join(project.messages.variants(message)))
    return found


def _chosen(made: list[Preview], locale: str, variant: str) -> Preview:
    """The one that is shown, opened or sent."""
    language = locale.partition("-")[0]
    mine = [one for one in made if one.variant == variant] or made
    return next((one for one in mine if one.locale.partition("-")[0] == language), mine[0])


def _sound(made: Preview) -> Rendered:
    from postventa.errors import PostventaError

    if made.mail is None:
        first = made.findings[0]
        raise PostventaError(first.text, first.where, first.mend)
    return made.mail


def _past(project: Project, folder: Path, message: str, who: str, events: Path | None) -> Past | None:
    """Something that happened, where it was asked for."""
    from postventa.errors import ConfigError
    from postventa.web.past import from_events, from_store

    if not who and events is None:
        return None
    if not message:
        raise ConfigError("say which message", where="--customer, --events", mend="postventa preview MESSAGE …")
    if events is not None:
        from datetime import UTC, datetime

        from postventa.runtimes.feed import read_feed

        fed, refused = read_feed(events, project.registry, datetime.now(UTC))
        if refused and not fed:
            number, error = refused[0]
            raise ConfigError(f"no line of it is an event: {error}", f"{events}:{number}", error.mend)
        return from_events(project.catalog(), [one.incoming for one in fed], message, who)
    import asyncio

    from postventa.cli.reach import reading

    async def ask() -> Past:
        from datetime import UTC, datetime

        async with reading(folder) as store:
            return await from_store(store.views, project.catalog(), who, message, datetime.now(UTC))

    return asyncio.run(ask())


# --- shown ------------------------------------------------------------------------------------------------------------
def _print(made: list[Preview], chosen: Preview | None, t: Tongue) -> None:
    """The text of one, then a line for each language and variant with what is to be mended."""
    if chosen is not None and chosen.mail is not None:
        mail = chosen.mail
        typer.echo(f"{t('subject').capitalize()}: {mail.subject}\n{mail.preheader}\n\n{mail.text}")
    for one in made:
        if one.mail is None:
            typer.echo(f"{one.name}  {t('cannot be made')}")
        else:
            size = f"{one.size / 1024:.1f} kB"
            typer.echo(f"{one.name}  " + t(
                "subject {subject} characters, preheader {preheader}, {size}", subject=len(one.mail.subject),
                preheader=len(one.mail.preheader), size=size,
            ))  # fmt: skip
        for finding in one.findings:
            mend = f"\n      {finding.mend}" if finding.mend else ""
            typer.echo(f"    {finding.where} {finding.text}{mend}", err=True)


def _open(mail: Rendered, name: str) -> Path:
    import tempfile

    page = Path(tempfile.gettempdir()) / f"postventa-{name}.html"
    page.write_text(mail.html, encoding="utf-8")
    return _browse(page)


def _browse(page: Path) -> Path:
    import webbrowser

    webbrowser.open(page.resolve().as_uri())
    return page


async def _send(project: Project, message: str, mail: Rendered, to: str, t: Tongue) -> str:
    """By the real channel, whatever the policy says: it goes to whoever asked for it."""
    import secrets
    from datetime import UTC, datetime

    from postventa.channels.base import Envelope, message_id_for
    from postventa.errors import ConfigError
    from postventa.runtimes.outward import is_real, smtp_of

    if not is_real(project.sound_settings):
        raise ConfigError(
            t("this project sends no mail (kind: mailbox)"), where="postventa.yaml: channels.email",
            mend=t("set channels.email.kind: smtp, or look at it with --open"),
        )  # fmt: skip
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
    return t("Sent to {to}: {detail}", to=to, detail=t.reason(receipt.detail))


async def _at_once() -> bool:
    return True
