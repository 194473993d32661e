"""Points that the documentation leaves open or contradicts itself about: one switch each.

Source: bitrix24.md §14 and the conflicts marked in its text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Switches:
    """How this portal behaves where nobody says how a portal must.

    Choices are strings; the first one named is the default.
    """

    # Boolean user fields of the old group: `10` "1"/"0", `yn` "Y"/"N", `json` true/false. §5.4
    old_booleans: str = "10"
    # Enumerations: `string` "267", `number` 267. §5.4
    old_enumerations: str = "string"
    universal_enumerations: str = "number"
    # Unset single user fields of the old group: `mixed` as the samples, `null`, `empty`. §5.1
    old_empty: str = "mixed"
    # Unset multiple user fields: `list` [], `false`. §5.4
    empty_multiple: str = "list"
    # A date that cannot be read, in `fields`: `drop` in silence, `error`. §6.3
    bad_dates: str = "drop"
    # An unknown field in the filter of old list methods: `error`, `ignore`.
    unknown_old_filter: str = "error"
    # A number or date in a filter of crm.item.list that is none: `cast` as PHP does, so that an
    # unresolved reference reads as 0, or `refuse` with INVALID_ARG_VALUE. §3, crm-item-list.md
    bad_filter_values: str = "cast"
    # `total` with start=-1: `zero`, `absent`. §4.1
    total_uncounted: str = "zero"
    # A full last page still names a next one. §4.1
    next_after_full_page: bool = False
    # An unset companyId or contactId of an invoice: `zero`, `null`. §11
    unset_links: str = "zero"
    # xmlId of an invoice without one: `null`, `empty`. §6.2
    unset_xml_id: str = "null"
    # Invoices can be filtered by xmlId. §14
    xml_id_filterable: bool = True
    # crm.item.payment.pay moves the invoice to the success stage. §6.7
    payment_moves_stage: bool = False
    # The sum of an invoice follows its rows. §6.5
    rows_make_the_sum: bool = True
    # Tasks take `CO_`, `L_`, `C_`, `D_` in UF_CRM_TASK always, `SI_` by this switch. §8.1
    tasks_take_invoices: bool = True
    # More than 50 commands: `each` gets an error, `whole` is refused with 400. §3
    long_batch: str = "each"
    # How far the clock of its web server is set wrong, in seconds: `Date` of answers. RFC 9110
    clock_ahead_s: float = 0.0
    # `time` with operating figures: `full`, `bare` as in self-hosted recordings. §1.4
    time_figures: str = "full"
    # Scopes are checked.
    scopes_checked: bool = True
    # HTTPS is demanded, as real portals do; loopback tests speak plain HTTP. §1.1
    https_only: bool = False
    # Letter case of method names does not matter. §1.1
    any_method_case: bool = True
    # List methods answer as of this many seconds ago; get by id is current.
    list_lag_s: float = 0.0
    # Offset of the server and of the webhook's user, hours. §11
    server_offset_h: int = 3
    user_offset_h: int = 3
