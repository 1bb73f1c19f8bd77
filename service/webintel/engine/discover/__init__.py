"""Finding out how a site is laid out: its pages, their types, the category tree and the ways through them."""
