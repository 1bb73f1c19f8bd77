"""One of several processes of a load test; `webintel load --processes` starts it."""

from webintel.load.processes import work

if __name__ == "__main__":
    work()
