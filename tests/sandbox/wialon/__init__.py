"""The emulated Wialon host, point by point and by a foreign client."""
