"""Sites that people have registered."""
