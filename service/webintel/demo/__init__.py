"""A small shop of our own, served on a loopback address: a first blueprint without the internet."""
