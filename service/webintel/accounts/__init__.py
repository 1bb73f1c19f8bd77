"""People and scripts that use the platform: users, roles, sign-in and API keys."""
