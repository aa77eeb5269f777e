"""The Spanish of `postventa why` and its page, keyed by the English texts. See `spanish`."""

from __future__ import annotations

from collections.abc import Mapping

WHY: Mapping[str, str] = {
    # --- verdicts
    "it was sent": "se envió",
    "handed over, but nobody knows whether it arrived": "se entregó, pero nadie sabe si llegó",
    "skipped: {reason}": "no se envió: {reason}",
    "held back: {reason}": "retenido: {reason}",
    ", until {at} at the latest": ", como mucho hasta el {at}",
    "stopped by an error: {reason}": "parado por un error: {reason}",
    "not yet: the run is at “{step}”": "todavía no: está en «{step}»",
    "not yet: the run is at “{step}”, until {at}": "todavía no: está en «{step}», hasta el {at}",
    "not yet: the run is at “{step}”, until {at} at the latest":
        "todavía no: está en «{step}», como mucho hasta el {at}",
    "not yet: it waits for the other lines of the order, to share one mail":
        "todavía no: espera a las otras líneas del pedido, para compartir un correo",
    "not yet: the reminder is due on {at}, unless an answer comes":
        "todavía no: el recordatorio toca el {at}, si antes no hay respuesta",
    "ready, but {scope} is paused: {reason}": "listo, pero {scope} está en pausa: {reason}",
    "on its way": "de camino",
    "on its way; the mail server did not take it ({detail}), next try {at}":
        "de camino; el servidor de correo no lo aceptó ({detail}), próximo intento el {at}",
    "not needed: already answered": "no hizo falta: ya estaba contestada",
    "not needed: answered before the reminder was due": "no hizo falta: contestó antes del recordatorio",
    "the history that would tell is no longer kept": "el historial que lo diría ya no se guarda",
    "the run ended before: {reason}": "terminó antes: {reason}",
    "the run ended before, at “{step}”: {reason}": "terminó antes, en «{step}»: {reason}",
    "the run went another way": "siguió otro camino",
    "the run went another way at “{step}”: {reason}": "siguió otro camino en «{step}»: {reason}",
    "the run stopped at “{step}”: {reason}": "se paró por un error en «{step}»: {reason}",
    "not begun: {reason}": "no empezó: {reason}",
    "not begun: {event} happened on {at}, before the shop went live":
        "no empezó: {event} ocurrió el {at}, antes de que la tienda empezara a enviar",
    "not begun by {event} of {at}: it asks for {whys}": "no empezó con {event} del {at}: pide {whys}",
    "“{condition}” ({found})": "«{condition}» ({found})",
    "not sent again: {reason}": "no se envía otra vez: {reason}",
    "it was {value}": "era {value}",
    "it was not known": "no se sabía",
    "not begun: no {event} has come for this customer": "no empezó: no ha llegado ningún {event} de este cliente",
    ", as far as the history is kept": ", hasta donde se guarda el historial",
    "not begun: {event} of {at} names no {subject} that is known":
        "no empezó: {event} del {at} no nombra nada conocido ({subject})",
    "not begun: when {event} came, on {at}, this journey was not published yet":
        "no empezó: cuando llegó {event}, el {at}, este recorrido aún no estaba publicado",
    "no journey sends {message}": "ningún recorrido envía {message}",
    "there are": "hay",
    # --- the command and the page
    "nobody is called {who}": "no hay nadie que se llame {who}",
    "give a customer's id, an order's id or number, or an address":
        "da el identificador de un cliente, un pedido o su número, o una dirección",
    "what happened": "qué pasó", "under way": "en marcha", "nothing is under way": "no hay nada en marcha",
    "sent, and not sent": "enviado, y no enviado",
    "nothing is known of any message": "no se sabe nada de ningún mensaje",
    "until": "hasta", "occurred {at}": "ocurrió {at}",
    "Why": "Por qué",
    "What was sent, what was not, and why": "Qué se envió, qué no, y por qué",
    "what was sent, what was not, and why": "qué se envió, qué no, y por qué",
    "every message": "todos los mensajes",
    "version": "versión", "release": "publicación",
    "Nothing is known of any message: no journey is published.":
        "No se sabe nada de ningún mensaje: no hay recorridos publicados.",
    # --- moments, decisions and stands
    "a wait was over": "terminó una espera", "the moment to send": "el momento de enviar",
    "how the sending ended": "cómo acabó el envío", "an operator stepped in": "intervino una persona de la tienda",
    "two customers became one": "dos clientes pasaron a ser uno", "a journey changed": "cambió un recorrido",
    "older history was put together": "se resumió el historial antiguo", "earlier": "antes",
    "start": "empieza", "refused": "negado", "wait": "espera", "matched": "llegó", "timeout": "plazo",
    "branch": "camino", "variant": "variante", "send": "envío", "skip": "sin envío", "defer": "retenido",
    "award": "puntos", "emit": "emite", "exit": "sale", "end": "fin", "set": "apunta",
    "hold": "pausa", "round": "vuelta", "answered": "contesta", "parked": "parado", "retried": "reintento",
    "repeated": "repetido", "retold": "de nuevo", "undone": "deshecho",
    "clock": "reloj", "doubt": "duda", "late receipt": "acuse tardío",
    "timer": "espera una hora", "fact": "espera un dato", "event": "espera un evento", "held": "retenido",
    "outbox": "de camino", "siblings": "espera a otras líneas", "answer": "espera respuesta",
    "new": "recién llegado",
}  # fmt: skip
