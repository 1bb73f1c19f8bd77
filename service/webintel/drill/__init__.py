"""The restore drill: a backup is worth what came back from it."""
