"""Steps that judge documents."""
