"""The rules of the repo, each with a violation that it is shown to catch."""
