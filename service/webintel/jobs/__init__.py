"""Jobs: what a worker has done, does and will do for a site."""
