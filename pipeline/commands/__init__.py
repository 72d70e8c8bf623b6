"""The groups of commands that `pipeline.cli` puts together; each imports what it runs only when it runs."""
