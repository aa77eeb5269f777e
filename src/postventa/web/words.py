"""What the customers' pages say themselves, per language. A shop's brand.yaml may replace any of it under `words`.

A language we do not speak falls back to English word by word, so that a new word never leaves a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

from postventa.templates.brand import Brand
from postventa.templates.words import language_of

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "send": "Send my answer",
        "choose": "Choose one",
        "write": "Your answer",
        "optional": "optional",
        "missing": "Choose an answer first, then send.",
        "too_long": "That is longer than we can keep. Please make it shorter.",
        "of": "of",
        "worst": "Not happy at all",
        "best": "Very happy",
        "worst_nps": "Not at all likely",
        "best_nps": "Very likely",
        "worst_ces": "Very hard",
        "best_ces": "Very easy",
        "answered": "You have answered already. If you send again, your new answer counts beside the first.",
        "thanks_title": "Thank you",
        "thanks": "We have your answer. Somebody at {name} reads every one.",
        "change": "Change my answer",
        "stop_title": "Stop these mails?",
        "stop": "You will still hear from {name} about orders under way: confirmation, parcel, returns.",
        "stop_button": "Stop these mails",
        "stopped_title": "Done. No more of these mails",
        "stopped": "{name} will only write about orders under way. Thank you for telling us.",
        "instead": "Choose what you receive instead",
        "undo": "Changed your mind? Choose what you receive",
        "preferences_title": "What may {name} send you?",
        "preferences": "Order confirmations, parcel news and returns always come: you need them.",
        "save": "Save",
        "none": "None of these",
        "saved": "Saved. It holds from now on.",
        "purpose_surveys": "Surveys",
        "purpose_surveys_hint": "A short question after a delivery.",
        "purpose_after_sales": "Tips for what you bought",
        "purpose_after_sales_hint": "Thank-you, how-to and care.",
        "purpose_loyalty": "Points and rewards",
        "purpose_loyalty_hint": "Your balance and what it is worth.",
        "purpose_referral": "Invite friends",
        "purpose_referral_hint": "Now and then, when you were happy.",
        "purpose_marketing": "Offers and news",
        "purpose_marketing_hint": "What is new in the shop.",
        "gone_title": "This link has ended",
        "gone": "It is too old, or what it was about is no longer kept.",
        "unknown_title": "This link does not work",
        "unknown": "A part of it may be missing. Open it again from the mail, or copy the whole of it.",
        "help": "Still stuck? Answer the mail it came in, and a person reads it.",
        "trouble_title": "That did not work",
        "trouble": "It is our fault. Nothing was lost: please try again in a minute.",
        "too_big": "That was more than we can take.",
    },
    "es": {
        "send": "Enviar mi respuesta",
        "choose": "Elige una",
        "write": "Tu respuesta",
        "optional": "opcional",
        "missing": "Elige primero una respuesta y luego envíala.",
        "too_long": "Es más largo de lo que podemos guardar. Acórtalo un poco, por favor.",
        "of": "de",
        "worst": "Nada contento",
        "best": "Muy contento",
        "worst_nps": "Nada probable",
        "best_nps": "Muy probable",
        "worst_ces": "Muy difícil",
        "best_ces": "Muy fácil",
        "answered": "Ya nos has respondido. Si envías otra respuesta, contará junto a la primera.",
        "thanks_title": "Gracias",
        "thanks": "Tenemos tu respuesta. En {name} alguien las lee todas.",
        "change": "Cambiar mi respuesta",
        "stop_title": "¿Dejar de recibir estos correos?",
        "stop": "{name} te seguirá escribiendo sobre tus pedidos en curso: confirmación, envío y devoluciones.",
        "stop_button": "No recibir más estos correos",
        "stopped_title": "Hecho. No recibirás más",
        "stopped": "{name} solo te escribirá sobre pedidos en curso. Gracias por decírnoslo.",
        "instead": "Prefiero elegir qué recibo",
        "undo": "¿Has cambiado de idea? Elige qué recibes",
        "preferences_title": "¿Qué puede enviarte {name}?",
        "preferences": "La confirmación del pedido, el envío y las devoluciones llegan siempre: los necesitas.",
        "save": "Guardar",
        "none": "Nada de esto",
        "saved": "Guardado. Vale desde ahora.",
        "purpose_surveys": "Encuestas",
        "purpose_surveys_hint": "Una pregunta corta después de una entrega.",
        "purpose_after_sales": "Consejos sobre lo que compraste",
        "purpose_after_sales_hint": "Agradecimientos, tutoriales y cuidados.",
        "purpose_loyalty": "Puntos y premios",
        "purpose_loyalty_hint": "Tu saldo y lo que vale.",
        "purpose_referral": "Invitar a amigos",
        "purpose_referral_hint": "De vez en cuando, si quedaste contento.",
        "purpose_marketing": "Ofertas y novedades",
        "purpose_marketing_hint": "Lo nuevo en la tienda.",
        "gone_title": "Este enlace ha caducado",
        "gone": "Es demasiado antiguo, o ya no guardamos aquello de lo que trataba.",
        "unknown_title": "Este enlace no funciona",
        "unknown": "Puede que falte una parte. Ábrelo otra vez desde el correo o cópialo entero.",
        "help": "¿Sigue sin funcionar? Responde al correo en el que venía y te lee una persona.",
        "trouble_title": "No ha funcionado",
        "trouble": "Es culpa nuestra. No se ha perdido nada: inténtalo otra vez en un minuto.",
        "too_big": "Era más de lo que podemos recibir.",
    },
    "pt": {
        "send": "Enviar minha resposta",
        "choose": "Escolha uma",
        "write": "Sua resposta",
        "optional": "opcional",
        "missing": "Escolha primeiro uma resposta e depois envie.",
        "too_long": "É mais longo do que podemos guardar. Encurte um pouco, por favor.",
        "of": "de",
        "worst": "Nada satisfeito",
        "best": "Muito satisfeito",
        "worst_nps": "Nada provável",
        "best_nps": "Muito provável",
        "worst_ces": "Muito difícil",
        "best_ces": "Muito fácil",
        "answered": "Você já respondeu. Se enviar outra resposta, ela contará ao lado da primeira.",
        "thanks_title": "Obrigado",
        "thanks": "Recebemos sua resposta. Alguém da {name} lê todas elas.",
        "change": "Mudar minha resposta",
        "stop_title": "Parar de receber estes e-mails?",
        "stop": "A {name} continuará escrevendo sobre pedidos em andamento: confirmação, envio e devoluções.",
        "stop_button": "Não receber mais estes e-mails",
        "stopped_title": "Pronto. Você não receberá mais",
        "stopped": "A {name} só escreverá sobre pedidos em andamento. Obrigado por avisar.",
        "instead": "Prefiro escolher o que recebo",
        "undo": "Mudou de ideia? Escolha o que recebe",
        "preferences_title": "O que a {name} pode enviar a você?",
        "preferences": "Confirmação do pedido, envio e devoluções chegam sempre: você precisa deles.",
        "save": "Salvar",
        "none": "Nada disso",
        "saved": "Salvo. Vale a partir de agora.",
        "purpose_surveys": "Pesquisas",
        "purpose_surveys_hint": "Uma pergunta curta depois de uma entrega.",
        "purpose_after_sales": "Dicas sobre o que você comprou",
        "purpose_after_sales_hint": "Agradecimentos, tutoriais e cuidados.",
        "purpose_loyalty": "Pontos e prêmios",
        "purpose_loyalty_hint": "Seu saldo e quanto ele vale.",
        "purpose_referral": "Convidar amigos",
        "purpose_referral_hint": "De vez em quando, se você ficou satisfeito.",
        "purpose_marketing": "Ofertas e novidades",
        "purpose_marketing_hint": "O que há de novo na loja.",
        "gone_title": "Este link expirou",
        "gone": "É antigo demais, ou o assunto dele não está mais guardado.",
        "unknown_title": "Este link não funciona",
        "unknown": "Talvez falte uma parte. Abra-o de novo a partir do e-mail ou copie-o inteiro.",
        "help": "Continua sem funcionar? Responda ao e-mail em que ele veio, e uma pessoa lê.",
        "trouble_title": "Não funcionou",
        "trouble": "A culpa é nossa. Nada se perdeu: tente de novo em um minuto.",
        "too_big": "Era mais do que podemos receber.",
    },
}


class Words(dict[str, str]):
    """The words of one page's language; `locale` is its tag."""

    locale: str = "en"

    def purpose(self, name: str) -> str:
        """A purpose as customers read it: ours, the shop's (`words: {es: {purpose_vip: …}}`), or its own name."""
        return self.get(f"purpose_{name}", name.replace("_", " ").replace("-", " ").capitalize())


def words_for(brand: Brand, locale: str) -> Words:
    """The words for a locale, the shop's own first, with its name filled in."""
    language = language_of(locale)
    own = {**brand.words.get(language, {}), **brand.words.get(locale, {})}
    found = {**WORDS["en"], **WORDS.get(language, {}), **own}
    words = Words({key: text.replace("{name}", brand.name) for key, text in found.items()})
    words.locale = locale if language in WORDS or own else "en"
    return words


def locale_of(known: object, accept_language: str, default: str) -> str:
    """The customer's own locale, else the first language of the browser that we speak, else the shop's."""
    if isinstance(known, str) and known.strip():
        return known.strip()
    for tag in _preferred(accept_language):
        if language_of(tag) in WORDS:
            return tag
    return default


def _preferred(header: str) -> list[str]:
    """The tags of an Accept-Language header, best first. What cannot be read is passed over."""
    weighed: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if tag and weight > 0]
