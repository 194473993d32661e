"""The emulated WhatsApp provider: Green-API's HTTP API, strict as documented, on loopback.

Owns: the instance and its queue (`instance`), the methods (`methods`), the strict reading of bodies
(`bodies`), the life of a message after it was taken and the notifications posted about it
(`life`), faults (`faults`), the control address (`control`), HTTP (`web`). Does not own whom the
product writes to. Sources: the provider's public documentation, named at each part.
"""
