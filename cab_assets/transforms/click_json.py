"""The JSON of a click, taken apart. Spark's own functions stop reading where the object ends, and say nothing of a key given twice."""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType, VariantType

from cab_assets.schemas import EVENT
from cab_assets.transforms.click_values import KEPT_AS_WRITTEN, may_be_no_string

OTHER_KEYS = {"os_version": ("OS_version", "os_version"), "event_timestamp": ("timestamp\n", "timestamp")}
KEYS = {column.name: OTHER_KEYS.get(column.name, (column.name,)) for column in EVENT}  # of a column: each is one spelling

TEXTS = "map<string,string>"  # unlike a struct it keeps a key given twice, and the keys that are none of ours
STRICT = {"allowSingleQuotes": "false", "allowNumericLeadingZeros": "false", "allowNonNumericNumbers": "false"}  # JSON as it is defined
LONE_SURROGATE = r"\\u[dD][89abAB]\w\w(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]\w\w)\\u[dD][c-fC-F]"
NUL = "\x00"  # tools written in C cut a text off at it
DOUBTFUL = ("\ufffd", "?", NUL)  # the first two are also what bytes that are no UTF-8, and lone surrogates, are read as


def texts(json: Column) -> dict[str, Column]:
    """By column: the text of its value, whatever its type; and `members`, how many the object has.

    To be selected together: `from_json` stands here fourteen times and is evaluated once, as a common subexpression. As a
    column of its own, the map would be copied and searched in its packed form, which takes half as long again as the parsing.
    """
    parsed = F.from_json(json, TEXTS, STRICT)
    return {name: F.coalesce(*[F.try_element_at(parsed, F.lit(key)) for key in keys]) for name, keys in KEYS.items()} | {"members": F.size(parsed)}


def is_plain() -> Column:
    """Whether the texts, none of them NULL, prove that the record is one object of our twelve keys, those kept being strings of valid UTF-8.

    Twelve members and twelve keys found: none is twice and none is another's. No `}` before the last byte: nothing follows
    the object. What is not kept is a number, a flag or a time, so only what is kept could hide a replaced character.
    """
    kept = F.concat_ws("", *KEPT_AS_WRITTEN)
    doubts = [may_be_no_string(F.col(name)) for name in KEPT_AS_WRITTEN] + [kept.contains(sign) for sign in DOUBTFUL]
    plain = F.col("members") == len(KEYS)
    for doubt in [*doubts, F.substring("value", 1, F.octet_length("value") - 1).cast("string").contains("}")]:
        plain &= ~doubt
    return plain


def fault(json: Column) -> Column:
    """Why the record is no JSON object, or NULL."""
    seal = F.md5("value")  # no text holds its own hash, so that it comes second means that one JSON value came first
    sealed = F.from_json(F.concat(F.lit("["), json, F.lit(',"'), seal, F.lit('"]')), "array<string>", STRICT)
    lone = F.replace(json, F.lit(r"\\"), F.lit("")).rlike(LONE_SURROGATE)
    return (
        F.when(F.col("value").isNull(), "value_is_null")
        .when(~F.is_valid_utf8(json) | lone, "not_utf8")
        .when(~((F.size(sealed) == 2) & F.try_element_at(sealed, F.lit(2)).eqNullSafe(seal)).eqNullSafe(True), "not_json")
        .when(~json.rlike(r"^\s*+\{"), "not_an_object")
    )


def can_be_kept(json: Column) -> Column:
    """By column that is kept as written: whether it was a string, and without NUL. Renamed by position: Spark finds no field beside one of the same letters."""
    keys = [key for name in KEPT_AS_WRITTEN for key in KEYS[name]]
    types = F.from_json(json, _variants(keys), STRICT).cast(_variants([f"_{place}" for place in range(len(keys))]))
    by_key = {key: F.schema_of_variant(types[f"_{place}"]) for place, key in enumerate(keys)}
    strings = {name: F.coalesce(*[by_key[key] for key in KEYS[name]]).eqNullSafe("STRING") for name in KEPT_AS_WRITTEN}
    return F.struct(*[(string & ~F.col(name).contains(NUL)).alias(name) for name, string in strings.items()])


def _variants(names: list[str]) -> StructType:
    return StructType([StructField(name, VariantType()) for name in names])
