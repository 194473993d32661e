"""The emulated portal, asked over real HTTP by plain and by foreign clients."""
