"""The emulated outside world, asked over real HTTP."""
