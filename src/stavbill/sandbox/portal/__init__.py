"""The emulated Bitrix24 portal: state, REST methods, limits and faults, strict as documented.

Owns: the wire (`wire`, `params`), the tables (`table`, `query`), one module for each family of
methods, the brakes (`limits`), the faults (`faults`), the journal of calls (`calls`), seeding
(`seed`), the end-state dump (`dump`), the control address (`control`). Front doors: `Portal` of
`portal.portal` with `handle(...)`, `portal_app(portal)` of `portal.web` for HTTP. Does not own
invented data (`sandbox.world`) nor any rule of billing.
"""
