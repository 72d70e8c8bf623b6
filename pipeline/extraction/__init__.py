"""Main content of a page: its bytes to text by one small model, without a parser's tree of objects."""
