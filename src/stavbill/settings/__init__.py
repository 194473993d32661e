"""The configuration: one TOML, secrets from the environment, checked before the first request.

Owns: keys, defaults, their checks, the translation into the core's `Policy` and into connections.
Does not own: what the portal has (`bitrix` reads it), what a rule does (`billing`), who is asked
for a setting: only `app` and the doors read settings, the rooms below get plain values.
"""

from stavbill.settings.load import Settings, load_settings
from stavbill.settings.policy import build_policy, issuer_problems
from stavbill.settings.secrets import write_secrets_file

__all__ = [
    "Settings",
    "build_policy",
    "issuer_problems",
    "load_settings",
    "write_secrets_file",
]
