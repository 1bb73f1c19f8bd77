"""One module for each command of `webintel`."""
