"""The portal, translated: reading in bulk, writing in batches, discovering fields.

Owns: the REST gateway with its limits and typed failures, the words of Bitrix24 (`UF_CRM_…`, stage
codes, letter case) and their translation into the core's records. Does not own: whether a write is
repeated (`journal`), what is decided (`billing`), where rows are kept (`store`).
"""
