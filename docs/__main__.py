"""Write the pages that are made from the code: ``python -m docs``."""

from docs.pages import write_pages

write_pages()
