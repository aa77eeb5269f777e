"""The Spanish of the shop's own pages and of `preview`, keyed by the English texts. See `spanish`."""

from __future__ import annotations

from collections.abc import Mapping

_AROUND: Mapping[str, str] = {
    "Health": "Estado", "Streams": "Flujos", "Mailbox": "Buzón", "Customers": "Clientes", "Journeys": "Recorridos",
    "Messages": "Mensajes", "Waiting room": "Sala de espera", "Dead letters": "Cartas muertas", "Pages": "Páginas",
    "Skip to the page": "Ir al contenido",
    "Paused: {scope}": "En pausa: {scope}", "since {at}": "desde el {at}",
    "Nothing is lost. To let it go on:": "No se pierde nada. Para que siga:",
    "all times are UTC": "todas las horas son UTC", "this page as JSON": "esta página en JSON",
    "stop refreshing": "dejar de recargar", "refresh every 5 s": "recargar cada 5 s",
    "Not found": "No encontrado", "That did not work": "No ha funcionado",
    "Sign in": "Entrar", "This engine asks for no token.": "Este motor no pide clave.", "Go on": "Seguir",
    "That is not this engine's token.": "Esa no es la clave de este motor.",
    "The engine's token": "La clave del motor",
    "It is the value of the variable that postventa.yaml names here:":
        "Es el valor de la variable que postventa.yaml nombra aquí:",
    "When": "Cuándo", "Message": "Mensaje", "To": "Para", "State": "Estado", "Customer": "Cliente", "Event": "Evento",
    "Journey": "Recorrido", "Order": "Pedido", "Orders": "Pedidos", "Run": "Recorrido", "Runs": "Recorridos",
    "Since": "Desde", "Happened": "Ocurrió", "From": "De", "About": "Sobre", "End": "Final", "Name": "Nombre",
    "Address": "Dirección", "Last change": "Último cambio", "Find": "Buscar", "More": "Más", "Show": "Mostrar",
    "of": "de", "to": "para", "when": "cuándo", "state": "estado", "size": "tamaño", "about": "sobre",
    "Every message in every language, as a customer would see it. Nothing was sent.":
        "Cada mensaje en cada idioma, como lo vería un cliente. No se ha enviado nada.",
    "field": "campo", "owner": "a cargo de", "subject": "asunto", "sender": "remitente",
    "preheader": "texto previo", "paused": "en pausa",
    "Times within the sentences are the customer's own ({zone}).":
        "Las horas dentro de las frases son las del cliente ({zone}).",
    "now": "ahora", "stepping": "tiempo a saltos", "caught up": "al día", "handing over": "en mano",
    "sent since start": "enviados desde el arranque", "real time": "hora real",
    "character": "carácter", "characters": "caracteres",
}  # fmt: skip

_STATES: Mapping[str, str] = {
    "pending": "pendientes", "claimed": "en preparación", "sending": "saliendo", "uncertain": "inciertos",
    "cancelled": "cancelado", "gave up": "abandonado", "transactional": "transaccional", "soft opt in": "tras compra",
    "completed": "completo", "exited": "salió", "restarted": "empezó de nuevo", "erased": "borrado",
    "accepted": "aceptados", "duplicate": "repetidos", "rejected": "rechazados", "waiting": "en espera",
    "ended": "terminados", "inside": "dentro", "goals reached": "objetivos alcanzados",
    "the last 200": "los últimos 200",
}  # fmt: skip

_HEALTH: Mapping[str, str] = {
    "How it goes": "Cómo va", "customers": "clientes", "runs under way": "recorridos en marcha",
    "due within the hour": "en menos de una hora", "overdue": "con retraso", "oldest {at}": "el primero, {at}",
    "mails sent": "correos enviados", "on their way": "de camino", "stopped by an error": "parados por un error",
    "wait for their order": "esperan su pedido", "dead letters": "cartas muertas", "parked": "parados",
    "Live release": "Versión en vivo", "published {at}": "publicada el {at}",
    "Nothing is published yet:": "Todavía no hay nada publicado:", "Next due: {at}.": "Lo próximo: {at}.",
    "Last mails": "Últimos correos",
    "No mail yet. Send the first event:": "Todavía no hay correos. Envía el primer evento:",
    "Not ready:": "No está listo:", "the first by": "el primero, por", "the first waits": "el primero espera",
    "events to publish": "eventos por publicar", "mails": "correos",
    "Timers run late. What holds them up:": "Las esperas van con retraso. Qué las frena:",
    "Mail does not leave. Whether the mail server answers:": "No sale correo. Si el servidor de correo contesta:",
    "Mend what sends them, then read them again:": "Arregla lo que los envía y léelos otra vez:",
    "Some is still to be read. How far each partition is:": "Queda por leer. Hasta dónde va cada partición:",
    "What comes in": "Qué entra", "Topic": "Topic", "Still to read": "Por leer", "Last event": "Último evento",
    "Since this process began": "Desde que empezó este proceso", "none yet": "ninguno aún",
    "What was sent": "Qué se envió",
    "Attempts since this process began:": "Intentos desde que empezó este proceso:",
    "Uncertain": "Inciertos", "Parked": "Parados",
    "Nobody knows whether these left: the mail server never answered, or a backup was restored. Look in its log, then:":
        "Nadie sabe si salieron: el servidor de correo no respondió o se restauró una copia. Mira su registro y luego:",
    "None. Every mail that left was answered for.": "Ninguno. De cada correo que salió hay respuesta.",
    "These runs failed and stand as they were before. Mend the journey and publish, then:":
        "Estos recorridos fallaron y quedaron como estaban. Arregla el archivo, publica y luego:",
    "or give them up:": "o déjalos:",
    "None. No run has failed.": "Ninguno. No ha fallado nada.",
    "Events about orders not seen yet. They follow as soon as their order comes; if it never does they become dead "
    "letters.":
        "Eventos de pedidos que aún no han llegado. Siguen en cuanto llegue su pedido; si no llega nunca, pasan a "
        "cartas muertas.",
    "Empty. Every event found its order.": "Vacía. Cada evento encontró su pedido.",
    "Records that could not be used: where they came from and why. Mend the sender, then send them again.":
        "Datos que no se pudieron usar: de dónde vinieron y por qué. Arregla quien los envía y envíalos otra vez.",
    "The record": "El dato", "None. Every record could be used.": "Ninguna. Todo se pudo usar.",
}  # fmt: skip

_PEOPLE: Mapping[str, str] = {
    "Find by address, id, order id or order number": "Buscar por dirección, identificador, pedido o número de pedido",
    "Nobody is known by “{asked}”. Try the address, the shop's customer id, or an order number.":
        "No hay nadie con «{asked}». Prueba con la dirección, el identificador en la tienda o un número de pedido.",
    "No customer yet. The first event brings the first one.": "Todavía no hay clientes. El primero llega con el primer "
        "evento.",
    "What happened, and why": "Qué pasó, y por qué", "happened {at}": "ocurrió el {at}",
    "Nothing is kept of this customer's history.": "No se guarda nada del historial de este cliente.",
    "Now": "Ahora", "No journey runs for this customer.": "No hay ningún recorrido en marcha para este cliente.",
    "Mails": "Correos", "None.": "Ninguno.", "Consent": "Permisos", "Nothing was said.": "No ha dicho nada.",
    "yes to {what} by {channel}": "sí a {what} por {channel}", "no to {what} by {channel}": "no a {what} por {channel}",
    "everything": "todo", "any channel": "cualquier canal", "Facts": "Datos",
    "one run per {subject}, from {start}": "uno por {subject}, desde {start}",
    "not in the live release any more": "ya no está en la versión en vivo",
    "Not in the live release any more.": "Ya no está en la versión en vivo.",
    "No journey is published yet:": "Todavía no hay recorridos publicados:",
    "Still in older versions, where they finish what they began:":
        "Siguen en versiones anteriores, donde terminan lo que empezaron:",
    "How runs ended": "Cómo terminaron", "Last ended": "Últimos en terminar",
    "The picture": "El dibujo", "if {condition}": "si {condition}", "if it does not happen": "si no ocurre",
    "variant {name}": "variante {name}", "on {event}": "con {event}", "then": "después", "steps": "cada vuelta",
    "every round": "cada vuelta", "when the rounds are done": "cuando se acaban las vueltas",
    "{file} written": "escrito {file}",
}  # fmt: skip

_MAILS: Mapping[str, str] = {
    "Mails kept here instead of sent. Their links work: answer a survey, stop the mails, see what changes.":
        "Correos que se quedan aquí en vez de salir. Sus enlaces funcionan: contesta una encuesta, date de baja y mira "
        "qué cambia.",
    "No mail is kept here.": "Aquí no hay correos.",
    "No mail is kept here for this customer.": "Aquí no hay correos de este cliente.",
    "As text": "Como texto", "Headers": "Cabeceras", "Desktop": "Ordenador", "Phone": "Móvil",
    "The mail on a desktop": "El correo en un ordenador", "The mail on a phone": "El correo en un móvil",
    "The mail itself is not kept here: it left for the customer.":
        "El correo no se guarda aquí: salió hacia el cliente.",
    "The mail itself is not kept here: it has not left.": "El correo no se guarda aquí: no ha salido.",
    "what was said": "qué se dijo",
    # --- previews
    "Every mail of the live release, as a customer would see it.":
        "Cada correo de la versión en vivo, como lo vería un cliente.",
    "sent by {journeys}": "lo envía {journeys}", "no journey sends it": "ningún recorrido lo envía",
    "thing to mend": "cosa que arreglar", "things to mend": "cosas que arreglar",
    "There is no message yet.": "Todavía no hay mensajes.",
    "Phone, in the dark": "Móvil, en modo oscuro", "Language": "Idioma", "Variant": "Variante",
    "for all others": "para los demás", "a sample": "una muestra",
    "As this customer would get it (id, order or address)":
        "Como lo recibiría este cliente (identificador, pedido o dirección)",
    "Gmail shows up to 102 kB": "Gmail muestra hasta 102 kB",
    "this project sends no mail (kind: mailbox)": "este proyecto no envía correo (kind: mailbox)",
    "set channels.email.kind: smtp, or look at it with --open":
        "pon channels.email.kind: smtp, o míralo con --open",
    "Sent to {to}: {detail}": "Enviado a {to}: {detail}",
    "opened {file}": "abierto {file}", "cannot be made": "no se puede componer",
    "{count} files in {folder}": "{count} archivos en {folder}",
    "subject {subject} characters, preheader {preheader}, {size}":
        "asunto {subject} caracteres, texto previo {preheader}, {size}",
    "{path} is missing": "falta {path}",
    "the HTML has {size} kB: Gmail cuts a mail off at 102 kB": "el HTML ocupa {size} kB: Gmail corta a los 102 kB",
    "shorten it, or show fewer lines": "acórtalo, o muestra menos líneas",
    "the subject is empty": "el asunto está vacío",
    "the subject has {count} characters: {most} are shown": "el asunto tiene {count} caracteres: se ven {most}",
    "the preheader has {count} characters: {most} are shown":
        "el texto previo tiene {count} caracteres: se ven {most}",
    "say the important thing first": "di primero lo importante",
    "there is no text in '{locale}': such customers get '{other}'":
        "no hay texto en '{locale}': esos clientes reciben '{other}'",
}  # fmt: skip

PAGES: Mapping[str, str] = {**_AROUND, **_STATES, **_HEALTH, **_PEOPLE, **_MAILS}
