"""The engine's reasons in Spanish. They are kept in English, as patterns whose parts (times, names) stay as they are.

A reason that no pattern knows is shown as it was kept. `tests/unit/web` holds every reason that the core can give
against these.
"""

from __future__ import annotations

import re
from functools import cache

_UNITS = {"day": "día", "month": "mes", "hour": "hora", "minute": "minuto", "second": "segundo", "year": "año"}

PATTERNS: tuple[tuple[str, str], ...] = (
    # --- starts and ends
    (r"(\S+) of (\d{4}-\S+ \S+)", r"\1 del \2"),
    (r"too late: (\S+) occurred on (.+)", r"demasiado tarde: \1 ocurrió el \2"),
    (r"(\S+) is already known", r"ya consta \1"),
    (r"this subject has already started this journey", "esto ya empezó este recorrido una vez"),
    (r"already running", "ya está en marcha"),
    (r"again: never, and this customer has been here", "again: never, y este cliente ya estuvo aquí"),
    (r"again: it has not been long enough since the last time",
     "again: no ha pasado bastante tiempo desde la última vez"),
    (r"every step is done", "todos los pasos están hechos"),
    (r"(\S+) at (\d{4}-\S+ \S+)", r"\1 el \2"),
    (r"goal reached by (\S+)", r"objetivo alcanzado con \1"),
    (r"(\S+) began it anew", r"\1 lo empezó de nuevo"),
    (r"the customer was erased", "el cliente fue borrado"),
    (r"ended by an operator", "lo terminó una persona de la tienda"),
    (r"no unfinished run (.+)", r"no hay nada en marcha con el nombre \1"),
    (r"the run is not parked", "no está parado por un error"),
    (r"by an operator", "por una persona de la tienda"),
    # --- waits and ways
    (r"until (\d{4}-\S+ \S+)", r"hasta el \1"),
    (r"until (\d{4}-\S+ \S+): (\S+) changed", r"hasta el \1: cambió \2"),
    (r"for (.+) until (\d{4}-\S+ \S+)", r"a que llegue \1, hasta el \2"),
    (r"for the other lines of the order, to share one mail", "a las otras líneas del pedido, para compartir un correo"),
    (r"for (.+)", r"a que llegue \1"),
    (r"over", "terminó la espera"),
    (r"(\S+) is not known yet", r"todavía no se sabe \1"),
    (r"(\S+) is still not known", r"sigue sin saberse \1"),
    (r"(\S+) had passed", r"\1 ya había pasado"),
    (r"the event did not come", "el evento no llegó"),
    (r"(.+) did not come by (.+)", r"\1 no llegó antes del \2"),
    (r"case (\d+) holds", r"se cumple el caso \1"),
    (r"no case holds: otherwise", "no se cumple ningún caso: otherwise"),
    (r"(\d+) rounds done", r"\1 vueltas hechas"),
    (r"until holds", "se cumple until"),
    (r"round (\d+) begins", r"empieza la vuelta \1"),
    (r"no answer to (\S+)", r"sin respuesta a \1"),
    (r"(\S+): no score", r"\1: sin nota"),
    (r"the survey timed out", "se acabó el plazo de la encuesta"),
    (r"already answered", "ya está contestada"),
    (r"nothing known to set", "nada que apuntar"),
    (r"(\S+), at most until (.+)", r"\1, como mucho hasta el \2"),
    (r"the hold's time is over", "se acabó el tiempo de la pausa"),
    (r"(\d+) points: (.+)", r"\1 puntos: \2"),
    (r"no points: the order was refunded or cancelled", "sin puntos: el pedido fue devuelto o cancelado"),
    (r"(\d+) of the redeemed points were not there", r"faltaban \1 de los puntos canjeados"),
    # --- another version of the file
    (r"from version (\S+), step (\S+), which is gone", r"desde la versión \1, paso \2, que ya no existe"),
    (r"from version (\S+), step (\S+), which does another thing now",
     r"desde la versión \1, paso \2, que ahora hace otra cosa"),
    (r"from version (\S+), step (\S+)", r"desde la versión \1, paso \2"),
    (r"done already, before the run came over to this version", "ya estaba hecho, antes de pasar a esta versión"),
    (r"the step sends it otherwise now", "el paso lo envía ahora de otro modo"),
    # --- sent or not
    (r"kept in the local mailbox", "se quedó en el buzón local"),
    (r"handed over", "entregado al servidor de correo"),
    (r"handed over, but no receipt came: held for an operator",
     "entregado, pero sin acuse de recibo: queda para una persona de la tienda"),
    (r"(.+) \(its run had ended\)", r"\1 (su recorrido ya había terminado)"),
    (r"refused: (.*)", r"rechazado: \1"),
    (r"gave_up: (.*)", r"se dejó de intentar: \1"),
    (r"accepted after all", "aceptado al final"),
    (r"no codes of this reward are left", "no quedan códigos de este premio"),
    (r"message '(.+)' is not in the live release", r"el mensaje '\1' no está en la versión en vivo"),
    (r"the address changed", "cambió la dirección"),
    (r"no (\S+) address is known", r"no consta dirección de \1"),
    (r"the address is suppressed: (.+)", r"no se escribe a esta dirección: \1"),
    (r"the customer objected: on (.+), by (.*)", r"el cliente se opuso: el \1, por \2"),
    (r"the customer objected", "el cliente se opuso"),  # in a table, where the objections of many are one row
    (r"no consent to marketing is recorded", "no consta consentimiento para publicidad"),
    (r"no paid order, so no soft opt-in", "sin pedido pagado no hay permiso para escribir"),
    (r"another journey holds (\S+)", r"otro recorrido tiene en pausa: \1"),
    (r"(\S+) holds (\S+)", r"\1 tiene en pausa: \2"),
    (r"the cap of (\d+) per (.+) is reached", r"se alcanzó el tope de \1 cada \2"),
    (r"waited as long as if_blocked allows: (.+)", r"esperó todo lo que permite if_blocked: \1"),
    (r"outside the send window: moved to (.+)", r"fuera del horario de envío: pasa al \1"),
    (r"group '(.+)' has no address", r"el grupo '\1' no tiene dirección"),
    (r"sent again by an operator(.*)", r"enviado otra vez por una persona de la tienda\1"),
    (r"left as it is by an operator(.*)", r"dejado como está por una persona de la tienda\1"),
    (r"not sent again: (.+)", r"no se envió otra vez: \1"),
    (r"(\S+) occurred before what was known already: all told anew, in order",
     r"\1 ocurrió antes de lo que ya constaba: se contó todo de nuevo, en orden"),
    (r"this run did not begin: an event that occurred earlier came later",
     "este recorrido no empezó: llegó más tarde algo que ocurrió antes"),
    (r"an event that occurred earlier came later", "llegó más tarde algo que ocurrió antes"),
    (r"(\S+) was applied already", r"\1 ya se había aplicado"),
    (r"(\S+) of this subject was known already", r"\1 de esto ya constaba"),
    (r"(\S+) says it occurred in the future \((.+)\): read as now",
     r"\1 dice que ocurrió en el futuro (\2): se lee como ahora"),
)  # fmt: skip

_INNER = (r"waited as long", r"(.+) \(its run", r"not sent again")


def in_spanish(reason: str) -> str:
    """A reason in Spanish; as it is where no pattern knows it."""
    for pattern, spanish in _compiled():
        match = pattern.fullmatch(reason)
        if match is not None:
            if pattern.pattern.startswith(_INNER):
                return match.expand(spanish.replace(r"\1", "\0")).replace("\0", in_spanish(match[1]))
            return _units(match.expand(spanish))
    return reason


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), spanish) for pattern, spanish in PATTERNS)


def _units(text: str) -> str:
    """`7 days` as `7 días`, `1 month` as `1 mes`."""

    def said(match: re.Match[str]) -> str:
        number, unit, many = match.groups()
        word = _UNITS[unit]
        return f"{number} {word}{('es' if unit == 'month' else 's') if many else ''}"

    return re.sub(rf"(\d+) ({'|'.join(_UNITS)})(s?)\b", said, text)
