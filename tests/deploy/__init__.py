"""The units and scripts that put the service on a server."""
