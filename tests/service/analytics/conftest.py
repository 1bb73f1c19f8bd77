from tests.service.api_fixtures import admin, anonymous, app, people, viewer

__all__ = ["admin", "anonymous", "app", "people", "viewer"]
