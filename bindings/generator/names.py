"""The names that programs in Python and JavaScript see."""

# An enumeration is the numbers with a prefix, except those that are named here.
ENUMERATIONS = {
    "ErrorKind": ("RGC_ERROR_", ()),
    "LogLevel": ("RGC_LOG_", ()),
    "GcType": ("RGC_GC_", ()),
    "Kind": ("RGC_KIND_", ()),
    "Role": ("RGC_CF_", ()),
    "Mode": ("RGC_MODE_", ()),
    "KeyspaceState": ("RGC_KEYSPACE_", ("RGC_KEYSPACE_MAX", "RGC_KEYSPACE_NONE",
                                         "RGC_KEYSPACE_ALL")),
    "SchemaState": ("RGC_SCHEMA_", ()),
    "DestroyState": ("RGC_DESTROY_", ("RGC_DESTROY_FORCE", "RGC_DESTROY_REUSABLE")),
    "Why": ("RGC_WHY_", ()),
}
CONSTANTS = ("RGC_ABI_VERSION", "RGC_KEYSPACE_MAX", "RGC_KEYSPACE_NONE", "RGC_KEYSPACE_ALL",
             "RGC_DESTROY_FORCE", "RGC_DESTROY_REUSABLE")
# Structs that the library fills, under the names that a program sees.
RECORDS = {
    "rgc_stats_t": "Stats",
    "rgc_debt_t": "Debt",
    "rgc_collect_report_t": "CollectReport",
    "rgc_destroy_report_t": "DestroyReport",
    "rgc_explained_t": "Explained",
    "rgc_barrier_info_t": "BarrierInfo",
    "rgc_keyspace_info_t": "KeyspaceInfo",
    "rgc_destroyed_info_t": "DestroyedInfo",
    "rgc_schema_info_t": "SchemaInfo",
}
# The enumeration of a record's field.
FIELDS = {
    ("Explained", "mode"): "Mode",
    ("Explained", "why"): "Why",
    ("KeyspaceInfo", "state"): "KeyspaceState",
    ("KeyspaceInfo", "gc_type"): "GcType",
    ("DestroyedInfo", "state"): "DestroyState",
    ("SchemaInfo", "state"): "SchemaState",
}


def enumerations(contract):
    """Each enumeration's name and its members: a name and a number."""
    for name, (prefix, others) in ENUMERATIONS.items():
        yield name, sorted(((number.removeprefix(prefix), value)
                            for number, value in contract.numbers.items()
                            if number.startswith(prefix) and number not in others),
                           key=lambda member: member[1])
