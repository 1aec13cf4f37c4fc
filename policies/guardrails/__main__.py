"""`python -m guardrails`: judge a stack from a file, write evidence, show the catalogue."""

from guardrails.cli import main

if __name__ == "__main__":
    main()
