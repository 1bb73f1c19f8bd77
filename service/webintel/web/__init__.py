"""The web UI: pages for people, and a client of the API like any other."""
