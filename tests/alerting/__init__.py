"""Alerts from a real Prometheus to a real Alertmanager, whose programs end with this folder's tests."""
