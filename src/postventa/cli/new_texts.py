"""What `postventa new` writes: comments in the language of the shop's own people, mails in that of its customers."""

from __future__ import annotations

from collections.abc import Mapping

Spoken = Mapping[str, str]
"""Language -> text."""

JOURNEYS: Mapping[str, Spoken] = {
    "after-delivery": {
        "en": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: A word some days after the delivery
subject: order                  # one run per order
start:
  on: order.delivered
exit_on: [order.returned, order.refunded]    # whoever sends it back hears nothing of this
steps:
  - wait: 3 days                # "3 days" keeps the time of day, "72 hours" is exact
    at: "11:30"                 # on the customer's clock
  - send: {name}                # templates/{name}/
""",
        "es": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: Unas palabras unos días después de la entrega
subject: order                  # uno por pedido
start:
  on: order.delivered
exit_on: [order.returned, order.refunded]    # a quien lo devuelve no le llega nada de esto
steps:
  - wait: 3 días                # "3 días" mantiene la hora del día, "72 horas" es exacto
    at: "11:30"                 # en el reloj del cliente
  - send: {name}                # templates/{name}/
""",
    },
    "wait-for-delivery": {
        "en": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: From the payment to some days after the delivery
subject: order                  # one run per order
start:
  on: order.paid
  where:
    order.total: {{at_least: 20}} # smaller orders do not enter
exit_on: [order.cancelled, order.returned, order.refunded]
steps:
  - wait_for: order.delivered   # it may have happened already: then it goes on at once
    timeout: 30 days
    on_timeout:                 # what to do when it never comes
      - exit: not-delivered
  - wait: 4 days
    at: "11:30"                 # on the customer's clock
  - send: {name}                # templates/{name}/
""",
        "es": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: Desde el pago hasta unos días después de la entrega
subject: order                  # uno por pedido
start:
  on: order.paid
  where:
    order.total: {{at_least: 20}} # los pedidos más pequeños no entran
exit_on: [order.cancelled, order.returned, order.refunded]
steps:
  - wait_for: order.delivered   # puede haber ocurrido ya: entonces sigue enseguida
    timeout: 30 días
    on_timeout:                 # qué hacer cuando no llega nunca
      - exit: not-delivered
  - wait: 4 días
    at: "11:30"                 # en el reloj del cliente
  - send: {name}                # templates/{name}/
""",
    },
    "regulars": {
        "en": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: A thank-you to people who keep coming back
subject: customer               # one run per customer
start:
  on: order.delivered
  where:
    customer.orders.count: {{at_least: 3}}    # paid and not cancelled
  again: after 6 months         # not more often than this
steps:
  - wait: 10 days
    at: "17:00"                 # on the customer's clock
  - send: {name}                # templates/{name}/
""",
        "es": """\
# yaml-language-server: $schema=../schemas/journey.v1.json
journey: {name}
title: Gracias a quienes vuelven una y otra vez
subject: customer               # uno por cliente
start:
  on: order.delivered
  where:
    customer.orders.count: {{at_least: 3}}    # pagados y no cancelados
  again: after 6 months         # no más a menudo
steps:
  - wait: 10 días
    at: "17:00"                 # en el reloj del cliente
  - send: {name}                # templates/{name}/
""",
    },
}
"""Example -> language -> the file."""

MESSAGE: Spoken = {
    "en": """\
# yaml-language-server: $schema=../../schemas/message.v1.json
# transactional: the order needs it. soft_opt_in: whoever bought and did not object. marketing: whoever said yes.
class: soft_opt_in
kind: {kind}
purpose: {purpose}
subject:
{subjects}
preheader:                      # what mail programs show beside the subject
{preheaders}
""",
    "es": """\
# yaml-language-server: $schema=../../schemas/message.v1.json
# transactional: el pedido lo necesita. soft_opt_in: quien compró y no se opuso. marketing: quien dijo que sí.
class: soft_opt_in
kind: {kind}
purpose: {purpose}
subject:
{subjects}
preheader:                      # lo que los programas de correo muestran junto al asunto
{preheaders}
""",
}
OF_KIND: Mapping[str, Spoken] = {
    "notice": {"kind": "notice", "purpose": "after_sales"},
    "survey": {"kind": "survey", "purpose": "surveys"},
}
SUBJECT: Mapping[str, Spoken] = {
    "notice": {"en": "How are you getting on with it?", "es": "¿Qué tal te va con tu compra?"},
    "survey": {"en": "How did we do? One question", "es": "¿Qué tal lo hemos hecho? Una pregunta"},
}
PREHEADER: Mapping[str, Spoken] = {
    "notice": {
        "en": "If anything is not right, answer this mail.",
        "es": "Si algo no va bien, responde a este correo.",
    },
    "survey": {"en": "One tap, ten seconds.", "es": "Un toque, diez segundos."},
}
BODY: Mapping[str, Spoken] = {
    "notice": {
        "en": """\
# How is it going?

Hello{% if customer.first_name is defined %} {{ customer.first_name }}{% endif %},

You have had your order for some days now. We hope it is just what you wanted.

If anything is not right, **answer this mail**: a person reads it and puts it right.

Warm regards,\\
{{ brand.name }}
""",
        "es": """\
# ¿Qué tal va todo?

{% if customer.first_name is defined %}Hola, {{ customer.first_name }}:{% else %}Hola:{% endif %}

Llevas unos días con tu pedido. Esperamos que sea justo lo que querías.

Si algo no va bien, **responde a este correo**: lo lee una persona y lo arregla.

Un saludo,\\
{{ brand.name }}
""",
    },
    "survey": {
        "en": """\
# One question

Hello{% if customer.first_name is defined %} {{ customer.first_name }}{% endif %},

You have had your order for some days now. All in all, **how happy are you with it?**

::: stars

We read every answer, the bad ones first.
""",
        "es": """\
# Una sola pregunta

{% if customer.first_name is defined %}Hola, {{ customer.first_name }}:{% else %}Hola:{% endif %}

Llevas unos días con tu pedido. En conjunto, **¿cómo de contento estás?**

::: stars

Leemos todas las respuestas, las malas primero.
""",
    },
}

SURVEY: Spoken = {
    "en": """\
# yaml-language-server: $schema=../schemas/survey.v1.json
survey: {name}
kind: csat                      # nps, csat, ces, stars, choice or text
message: {name}                 # templates/{name}/ asks
question:
{questions}
scale: {{from: 1, to: 5}}
thanks:                         # what the page says after the answer
{thanks}
""",
    "es": """\
# yaml-language-server: $schema=../schemas/survey.v1.json
survey: {name}
kind: csat                      # nps, csat, ces, stars, choice o text
message: {name}                 # pregunta templates/{name}/
question:
{questions}
scale: {{from: 1, to: 5}}
thanks:                         # lo que dice la página tras la respuesta
{thanks}
""",
}
QUESTION: Spoken = {"en": "How happy are you with your order?", "es": "¿Cómo de contento estás con tu compra?"}
THANKS: Spoken = {"en": "Thank you. We read every answer.", "es": "Gracias. Leemos todas las respuestas."}
