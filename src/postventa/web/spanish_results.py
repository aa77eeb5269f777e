"""What a backtest and the results of a journey say, in Spanish, keyed by the English texts that stand in the code."""

from __future__ import annotations

from collections.abc import Mapping

_BACKTEST: Mapping[str, str] = {
    "before the change": "antes del cambio",
    "{events} events of {people} customers": "{events} eventos de {people} clientes",
    "{sent} messages sent, {skipped} skipped, {deferred} put off":
        "{sent} mensajes enviados, {skipped} saltados, {deferred} aplazados",
    "{count} steps still pending at {end}": "{count} pasos aún pendientes el {end}",
    "… and {count} more bad lines": "… y {count} líneas con errores más",
    "{count} bad lines left out": "{count} líneas con errores, sin contar",
    "{count} events moved nobody ({reason})": "{count} eventos no movieron a nadie ({reason})",
    "What would have been sent": "Qué se habría enviado",
    "Still under way at the end": "En marcha al final",
    "journey": "recorrido", "message": "mensaje", "sent": "enviados", "put off": "aplazados", "skipped": "saltados",
    "step": "paso", "waits for": "espera a", "people": "personas",
    "a time": "una hora", "a date not known yet": "una fecha que aún no se sabe", "an event": "un evento",
    "leave to send": "permiso para enviar", "the other lines": "las otras líneas", "an answer": "una respuesta",
    "the next round": "la vuelta siguiente", "an operator": "una persona de la tienda",
    "hand-over": "la entrega",
}  # fmt: skip

_COMPARED: Mapping[str, str] = {
    "What the change does": "Qué cambia con estos archivos",
    "The same past events, through two versions of the files. Nothing was sent.":
        "Los mismos eventos pasados, con dos versiones de los archivos. No se envió nada.",
    "Nothing changes: every mail is sent as before.": "No cambia nada: cada correo sale igual que antes.",
    "Before": "Antes", "After": "Después", "only before": "solo antes", "only after": "solo después",
    "moved": "movidos", "by (median)": "cuánto (mediana)", "for (median)": "durante (mediana)", "by": "por",
    "Of {count} customers with mail:": "De {count} clientes con correo:",
    "get more mails": "reciben más correos", "get fewer mails": "reciben menos correos",
    "get as many, but others": "reciben los mismos en número, pero otros",
    "get the same at another time": "reciben los mismos a otra hora",
    "get exactly the same": "reciben exactamente lo mismo",
    "The most for one customer: {before} mails before, {after} after ({who}); within 7 days {week} and {later}.":
        "El máximo por cliente: {before} correos antes, {after} después ({who}); en 7 días {week} y {later}.",
    "Put off before they left": "Aplazados antes de salir",
    "sending hours": "horario de envío", "limit of mails": "tope de correos",
    "another journey's hold": "pausa de otro recorrido",
    "Sent by one version only": "Enviados solo por una de las versiones",
    "the other does not: the customer": "la otra no: el cliente",
    "had answered by then": "ya había contestado", "had left the journey by then": "ya había salido del recorrido",
    "was not allowed": "no estaba permitido", "still to come when the events end": "saldrían después del último evento",
    "went another way": "siguió otro camino", "the journey did not begin": "el recorrido no empezó",
    "{count} customers side by side": "{count} clientes, lado a lado",
    "… and {count} more": "… y {count} más",
    "and {count} more (--json shows all)": "y {count} más (--json los da todos)",
    "{mails} mails of {people} customers change.": "Cambian {mails} correos de {people} clientes.",
    "now sent, {at} UTC": "ahora sí sale, {at} UTC",
    "no longer sent (was {at} UTC)": "ya no sale (era el {at} UTC)",
    "the page is in {file}": "la página está en {file}",
    "{span} earlier": "{span} antes", "{span} later": "{span} después",
    "counted from": "se cuenta desde", "played until": "hasta",
    "mails": "correos", "customers get something else": "clientes reciben otra cosa",
    "of {count} with mail": "de {count} con correo", "most for one customer": "máximo por cliente",
    "most within 7 days": "máximo en 7 días", "events played": "eventos pasados",
    "of {count} customers": "de {count} clientes",
    "Customers, by what changes for them": "Clientes, según lo que cambia para ellos",
    "customers": "clientes", "how many": "cuántos", "Mail by mail": "Correo por correo",
    "Mails per day": "Correos por día", "Mails per week": "Correos por semana", "Mails per month": "Correos por mes",
    "The same as a table": "Lo mismo en una tabla", "from": "desde", "move": "cambio",
    "How far the mails moved that both versions send": "Cuánto se movieron los correos que salen en ambas versiones",
    "more than 7 days earlier": "más de 7 días antes", "3 to 7 days earlier": "de 3 a 7 días antes",
    "1 to 3 days earlier": "de 1 a 3 días antes", "up to 1 day earlier": "hasta 1 día antes",
    "up to 1 day later": "hasta 1 día después", "1 to 3 days later": "de 1 a 3 días después",
    "3 to 7 days later": "de 3 a 7 días después", "7 days later or more": "7 días después o más",
    "the same": "igual", "not sent": "no sale", "why not": "por qué no",
    "Who gets a mail in one version only": "Quién recibe un correo solo en una versión",
    "{count} mails": "{count} correos",
    "the first {count}; backtest --json has all": "los primeros {count}; backtest --json los da todos",
    "Times of day are those of {zone}. What customers did stays as it was: a mail that comes earlier changes no "
    "answer and no order here.":
        "Las horas son las de {zone}. Lo que hicieron los clientes queda como fue: un correo que llega antes no cambia "
        "aquí ninguna respuesta ni ningún pedido.",
}  # fmt: skip

_BROUGHT: Mapping[str, str] = {
    "Results of {journey}": "Resultados de {journey}", "What it brought": "Qué resultados dio",
    "entered": "entraron", "inside": "dentro", "{count} inside now": "{count} dentro ahora",
    "{count} entered, {inside} inside now": "entraron {count}, {inside} dentro ahora",
    "mails sent": "correos enviados", "mails skipped": "correos saltados", "goals reached": "objetivos alcanzados",
    "by {count} customers": "de {count} clientes", "worth": "valor",
    "of orders that reached the goal": "en pedidos que alcanzaron el objetivo",
    "{count} goals ({events}) by {people} customers, worth {total} {currency}":
        "{count} objetivos ({events}) de {people} clientes, por {total} {currency}",
    "Messages": "Mensajes", "not sent because": "no enviados porque",
    "No message has been sent or skipped yet.": "Todavía no se ha enviado ni saltado ningún mensaje.",
    "No journey is published yet: postventa publish.": "Aún no hay recorridos publicados: postventa publish.",
    "to be sent": "por enviar", "on its way": "de camino", "uncertain": "no se sabe si salió",
    "the customer objected": "el cliente se opuso", "refused by the mail server": "rechazado por el servidor de correo",
    "given up after many tries": "se dejó tras muchos intentos",
    "went through all steps": "pasó por todos los pasos", "left early": "salió antes",
    "ended by the goal": "terminó con el objetivo", "begun anew": "empezó de nuevo", "cancelled": "cancelado",
    "erased": "borrado", "did not begin": "no empezó", "How runs ended": "Cómo terminaron", "end": "final",
    "runs": "personas", "Experiment {name}": "Experimento {name}", "variant": "variante",
    "by its weight": "según su peso", "reached {what}": "alcanzaron: {what}", "rate": "tasa", "interval": "intervalo",
    "best": "la mejor", "Rate of each variant, with its interval": "Tasa de cada variante, con su intervalo",
    "The dot is the rate, the bar where the true rate lies in {confidence} of cases (Wilson's interval).":
        "El punto es la tasa; la barra, donde está la tasa real en el {confidence} de los casos (intervalo de Wilson).",
    "A customer counts once, from the first time the experiment was met; only what came after that counts.":
        "Cada cliente cuenta una vez, desde que llegó al experimento; solo cuenta lo que vino después.",
    "Planned: {size} customers.": "Previsto: {size} clientes.",
    "Nobody has met this experiment yet.": "Nadie ha llegado todavía a este experimento.",
    "The variants have other sizes than their weights say, and chance explains that in fewer than one of a thousand "
    "cases. Find out where customers are lost before you read the rates.":
        "Los tamaños de las variantes no son los de sus pesos, y el azar lo explica en menos de uno de cada mil casos. "
        "Averigua dónde se pierden clientes antes de leer las tasas.",
    "No size is planned, so no winner is named: write `size:` beside `experiment`, the customers it needs.":
        "No hay un tamaño previsto, así que no se nombra ganadora: escribe `size:` junto a `experiment`, los clientes "
        "que necesita.",
    "{people} of {size} planned customers. It is too early to name a winner.":
        "{people} de {size} clientes previstos. Es pronto para nombrar una ganadora.",
    "{winner} does best: a lead like this comes by chance in {chance} of cases.":
        "{winner} va mejor: una ventaja así se da por azar en el {chance} de los casos.",
    "The planned size is reached, and no variant is clearly better than the others.":
        "Se alcanzó el tamaño previsto y ninguna variante es claramente mejor que las otras.",
    "What it brought: entered, sent, goals": "Qué resultados dio: entradas, envíos, objetivos",
}  # fmt: skip

RESULTS: Mapping[str, str] = {**_BACKTEST, **_COMPARED, **_BROUGHT}
