"""Messages: what the shop wrote (Markdown or HTML, per language) becomes a mail that looks right.

brand, problems = Brand.from_yaml(files["brand.yaml"])
catalog, problems = MessageCatalog.from_files(files, brand, default_locale="es")
mail = catalog.render("thank-you", "es-ES", {"order": {...}, "customer": {...}, "links": {...}})
"""

from postventa.templates.brand import Brand, Sender
from postventa.templates.catalog import MessageCatalog, Reading
from postventa.templates.render import Rendered, RenderError

__all__ = ["Brand", "MessageCatalog", "Reading", "RenderError", "Rendered", "Sender"]
