"""What pages show, as the API gives it."""
