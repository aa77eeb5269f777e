"""What marketers and operators read, in Spanish, keyed by the English texts that stand in the code.

Words in {braces} are filled in and stay as they are. `tests/unit/web` finds texts that are missing here.
"""

from __future__ import annotations

from collections.abc import Mapping

from postventa.web.spanish_moves import MOVES
from postventa.web.spanish_pages import PAGES
from postventa.web.spanish_results import RESULTS
from postventa.web.spanish_why import WHY

MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
UNITS: Mapping[str, str] = {
    "second": "segundo", "seconds": "segundos", "minute": "minuto", "minutes": "minutos", "hour": "hora",
    "hours": "horas", "day": "día", "days": "días", "month": "mes", "months": "meses", "year": "año", "years": "años",
    "a": "un", "moment": "momento",
}  # fmt: skip

STATES: Mapping[str, str] = {
    "pending": "pendiente", "claimed": "en preparación", "sending": "saliendo", "sent": "enviado",
    "uncertain": "incierto", "cancelled": "cancelado", "refused": "rechazado", "gave up": "abandonado",
}  # fmt: skip

_STEPS: Mapping[str, str] = {
    "or": "o", "and": "y", "yes": "sí", "no": "no", "always": "siempre", "the end": "el final",
    "send {message}": "enviar {message}",
    "send {message} with {reward}": "enviar {message} con {reward}",
    "wait {span}": "esperar {span}",
    ", then until {clock}": ", y luego hasta las {clock}",
    "wait until {fact}": "esperar hasta {fact}",
    "wait for {events}": "esperar a que llegue {events}",
    ", until {fact} at most": ", como mucho hasta {fact}",
    ", {span} at most": ", {span} como mucho",
    "ask {survey}, for {span}": "preguntar {survey}, durante {span}",
    "go one of these ways": "seguir uno de estos caminos",
    "experiment {name}: {weights}": "experimento {name}: {weights}",
    "award {points} points": "dar {points} puntos",
    "set {facts}": "apuntar {facts}",
    "emit {event}": "emitir {event}",
    "hold {what}, at most {span}": "poner en pausa {what}, {span} como mucho",
    "release {what}": "quitar la pausa de {what}",
    "repeat every {span}": "repetir cada {span}",
    "repeat": "repetir",
    ", {count} times at most": ", {count} veces como mucho",
    "exit: {reason}": "salir: {reason}",
    "not ({condition})": "no ({condition})",
    "{fact} is known": "se sabe {fact}",
    "{fact} is not known": "no se sabe {fact}",
    "is": "es", "is not": "no es", "in": "es uno de", "at least": "al menos", "at most": "como mucho",
    "more than": "más de", "less than": "menos de", "between": "entre", "contains": "contiene", "before": "antes de",
    "after": "después de", "within": "en los últimos", "any": "alguno", "none": "ninguno", "all": "todos",
    " (held back)": " (retenido)", " (on its way)": " (de camino)", " (stopped by an error)": " (parado por un error)",
    "order": "pedido", "line": "línea", "customer": "cliente", "shipment": "envío", "return": "devolución",
    "ticket": "consulta", "marketing": "publicidad", "goal": "objetivo",
}  # fmt: skip

_DIAGRAM: Mapping[str, str] = {
    "Send": "Enviar", "Wait": "Esperar", "Wait until": "Esperar hasta", "Wait for": "Esperar a", "Ask": "Preguntar",
    "Branch": "Caminos", "Experiment": "Experimento", "Award": "Dar", "Set": "Apuntar", "Emit": "Emitir",
    "Hold": "Pausa", "Release": "Fin de la pausa", "Repeat": "Repetir", "Exit": "Salir", "Done": "Fin",
    "at {clock}": "a las {clock}", "then until {clock}": "y luego hasta las {clock}", "on {days}": "en {days}",
    "Mon": "lun", "Tue": "mar", "Wed": "mié", "Thu": "jue", "Fri": "vie", "Sat": "sáb", "Sun": "dom",
    "if it has passed: exit": "si ya pasó: salir",
    "the {count}. time": "la vez número {count}",
    "reminder after {span}": "recordatorio a los {span}",
    "{span} to answer": "{span} para responder",
    "the first that holds": "el primero que se cumple",
    "measured by {what}": "se mide por {what}",
    "per {what}": "por {what}",
    "{points} points": "{points} puntos",
    "at most {span}": "{span} como mucho",
    "every {span}": "cada {span}",
    "round by round": "vuelta tras vuelta",
    "{count} times at most": "{count} veces como mucho",
    "until {condition}": "hasta que {condition}",
    "to {who}": "a {who}", "with {reward}": "con {reward}", "chosen by {fact}": "según {fact}",
    "one mail per {thing}": "un correo por {thing}",
    "skipped if it may not leave at once": "se salta si no puede salir enseguida",
    "spread over {span}": "repartido en {span}",
    "then on, either way": "y sigue, en cualquier caso",
    "at that time": "a esa hora",
    "still not known after {span}": "sigue sin saberse a los {span}",
    "answered": "contesta", "no answer within {span}": "sin respuesta en {span}", "otherwise": "si no",
    "it comes": "llega", "not by {fact}": "no antes de {fact}", "not within {span}": "no llega en {span}",
    "{event} within {span}": "{event} en {span}",
    "One per {subject}, from": "Uno por {subject}, desde",
    "ends early on {exits}": "termina antes con {exits}",
    "goal: {goal}": "objetivo: {goal}",
    "One run per {subject}, from {start}.": "Un recorrido por {subject}, desde {start}.",
    "Ends early on {exits}.": "Termina antes con {exits}.",
    "Goal: {goal}.": "Objetivo: {goal}.",
    "Steps, from top to bottom: {steps}.": "Pasos, de arriba abajo: {steps}.",
    "goes on below": "sigue abajo",
    "The same in words": "Lo mismo en palabras",
    "Where {where}.": "Si {where}.",
    "{count} here now": "{count} aquí ahora",
    "Then:": "Después:",
    "Line {line} of {file}": "Línea {line} de {file}",
}  # fmt: skip

TEXTS: Mapping[str, str] = {**_STEPS, **_DIAGRAM, **PAGES, **WHY, **RESULTS, **MOVES}
