"""What must change outside, by examples and properties over a pure model of the outside."""
