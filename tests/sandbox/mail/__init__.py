"""The emulated mail world, as other people's clients meet it."""
