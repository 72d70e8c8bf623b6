"""The engine: types, readers, the chain, the run, and the command line."""
