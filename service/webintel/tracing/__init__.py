"""Traces over OTLP where a collector is configured; OpenTelemetry is not even imported where none is."""
