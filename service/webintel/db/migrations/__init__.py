"""The schema, step by step; `webintel migrate` takes a database to the newest step."""
