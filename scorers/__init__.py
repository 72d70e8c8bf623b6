"""Steps that measure documents."""
