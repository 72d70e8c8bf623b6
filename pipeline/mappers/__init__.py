"""Steps that rewrite documents."""
