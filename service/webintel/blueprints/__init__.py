"""Versioned blueprints of sites."""
