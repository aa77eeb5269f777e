"""What `plan`, `publish` and `migrate` say, in Spanish, keyed by the English texts that stand in the code."""

from __future__ import annotations

from collections.abc import Mapping

MOVES: Mapping[str, str] = {
    # --- plan
    "Nothing is published yet: publish would make {count} journeys live.":
        "Aún no hay nada publicado: publish pondría en marcha {count} recorridos.",
    "These files beside release {hash}, which is live": "Estos archivos frente a la versión {hash}, que está en marcha",
    "Nothing that counts is different.": "No hay ninguna diferencia que cuente.",
    "new": "nuevo", "changed": "cambiado", "removed": "quitado", "same": "igual",
    "unchanged, but people are in older versions": "sin cambios, pero hay personas en versiones anteriores",
    "added": "añadido",
    "step {step} added (line {line}): {new}": "paso {step} añadido (línea {line}): {new}",
    "step {step} removed: {old}": "paso {step} quitado: {old}",
    "step {step} stands elsewhere now (line {line})": "el paso {step} está ahora en otro sitio (línea {line})",
    "step {old} is called {new} now (line {line})": "el paso {old} se llama ahora {new} (línea {line})",
    "step {step} (line {line}): {key} {old} → {new}": "paso {step} (línea {line}): {key} {old} → {new}",
    "step {step} (line {line}): {key} added: {new}": "paso {step} (línea {line}): {key} añadido: {new}",
    "step {step} (line {line}): {key} removed: {old}": "paso {step} (línea {line}): {key} quitado: {old}",
    "{key}: {old} → {new}": "{key}: {old} → {new}",
    "{key} added: {new}": "{key} añadido: {new}",
    "{key} removed: {old}": "{key} quitado: {old}",
    "nobody is inside": "no hay nadie dentro",
    "{count} inside": "{count} dentro",
    "at": "en", "people": "personas", "go to": "van a", "nowhere": "ningún sitio", "the same": "el mismo",
    "word": "palabra", "stay": "siguen igual", "other time": "a otra hora", "now": "siguen ya", "leave": "salen",
    "lose their step": "pierden su paso", "later": "más tarde",
    "this file's word": "la palabra de este archivo",
    "Other files": "Otros archivos",
    "Mails in the next 24 hours to people inside now": "Correos de las próximas 24 horas a quienes están dentro ahora",
    "journey": "recorrido", "message": "mensaje", "before": "antes", "after": "después",
    "none": "ninguno",
    "{looked} of {people} customers were asked; the figures are scaled to all.":
        "Se preguntó por {looked} de {people} clientes; las cifras se extienden a todos.",
    "REFUSED: {count} people stand at steps of {journey} that are gone, and every step after them too.":
        "RECHAZADO: {count} personas están en pasos de {journey} que ya no están, ni ninguno de los siguientes.",
    "Keep the step, write 'edits: finish', or publish with finish and then: {command}":
        "Deja el paso, escribe 'edits: finish', o publica con finish y después: {command}",
    # --- publish, migrate
    "Published {hash}; the running engine uses it from now on.":
        "Publicado {hash}; el motor en marcha lo usa desde ahora.",
    "Published {hash}: {count} journeys. 'postventa run' starts the engine with it.":
        "Publicado {hash}: {count} recorridos. 'postventa run' arranca el motor con él.",
    "Published {hash}: {count} journeys. 'postventa worker' starts an engine with it.":
        "Publicado {hash}: {count} recorridos. 'postventa worker' arranca un motor con él.",
    "Release {hash} is live again.": "La versión {hash} está de nuevo en marcha.",
    "journey {journey}: {count} go over to version {version} ({how})":
        "recorrido {journey}: {count} pasan a la versión {version} ({how})",
    "{count} went over.": "{count} han pasado.",
    "{count} are still to go over; the engine brings them when their mail has left or when it starts.":
        "Quedan {count} por pasar; el motor los pasa cuando salga su correo o cuando arranque.",
    "{count} stay in their version: {why}": "{count} se quedan en su versión: {why}",
    "its step is gone, and every step after it": "su paso ya no está, ni ninguno de los siguientes",
    "its message is just being handed over": "su mensaje se está entregando ahora mismo",
    "Nobody stands in another version of {journey}.": "Nadie está en otra versión de {journey}.",
    "nothing was changed": "no se ha cambiado nada",
    "live": "en marcha",
}  # fmt: skip
