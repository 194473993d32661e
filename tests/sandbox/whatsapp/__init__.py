"""The emulated WhatsApp provider, asked as its documentation shows."""
