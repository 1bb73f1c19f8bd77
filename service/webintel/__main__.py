"""`python -m webintel`, where the script is not on the path."""

from webintel.cli import main

if __name__ == "__main__":
    main()
