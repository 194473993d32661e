"""The pure core, by examples, tables and properties."""
