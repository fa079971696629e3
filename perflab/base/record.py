"""Dataclasses that are kept as JSON, and read from whatever a file holds. Pure.

A Record's fields say by their types what JSON may give them. A value that is missing, or of another
type, or no number that can be drawn (NaN, huge, negative), leaves the field at its default. Only a
field without a default must be there. Names that a Record does not have are passed over.
"""

import math
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Self, cast, get_args, get_origin, get_type_hints

MOST = 1e12  # a larger number, or a smaller negative one, is no measurement
DIGITS = 3  # after the point, of a figure that says nothing else


class Malformed(ValueError):
    """A value is not what its field holds."""


def stored(
    default: Any = MISSING,
    *,
    factory: Any = MISSING,
    name: str = "",
    old_name: str = "",
    optional: bool = False,
    signed: bool = False,
    digits: int = DIGITS,
    kinds: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field.

    `name` is the field's name in JSON where that is another one, and `old_name` that in older
    files. An `optional` field is left out of the JSON while it has its default. A `signed` number
    may be negative. `digits` are those that `rounded` leaves. `kinds` are the kinds of a Run that
    have this field; all without.
    """
    metadata = {"name": name, "old_name": old_name, "optional": optional}
    metadata |= {"signed": signed, "digits": digits, "kinds": kinds}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


class Record:
    """The base of dataclasses that are kept as JSON."""

    @classmethod
    def from_json(cls, data: object, **given: Any) -> Self:
        """Return a Record of what `data` holds; `given` fields are not looked for in it.

        Raises Malformed where `data` is no object, or a field without a default is not in it.
        """
        if not isinstance(data, dict):
            raise Malformed(f"no object: {str(data)[:40]}")
        found = dict(given)
        for one in layout(cls):
            if one.attribute in given:
                continue
            value = data.get(one.name, data.get(one.old_name))
            try:
                found[one.attribute] = one.read(value)
            except Malformed:
                if one.is_required:
                    raise
        return cls(**found)

    def has(self, one: "Layout") -> bool:
        """Return whether this Record has a field of its class."""
        return True

    def to_json(self) -> dict[str, Any]:
        """Return what is written to a file."""
        found = {}
        for one in layout(type(self)):
            value = getattr(self, one.attribute)
            if self.has(one) and not (one.optional and value == one.default):
                found[one.name] = as_json(value)
        return found

    def rounded(self) -> Self:
        """Return the same Record with its floats rounded to the digits that they are worth."""
        changes = {}
        for one in layout(type(self)):
            value = getattr(self, one.attribute)
            if isinstance(value, float):
                changes[one.attribute] = round(value, one.digits)
        return type(self)(**{**vars(self), **changes})


@dataclass(frozen=True)
class Layout:
    """How one field of a Record stands in JSON."""

    attribute: str
    name: str
    old_name: str
    read: Callable[[object], Any]
    is_required: bool
    optional: bool
    default: Any
    digits: int
    kinds: tuple[str, ...]


LAYOUTS: dict[type, list[Layout]] = {}


def layout(cls: type) -> list[Layout]:
    """Return the Layout of each field of a Record's class."""
    if cls not in LAYOUTS:
        hints = get_type_hints(cls)
        LAYOUTS[cls] = [layout_of(one, hints[one.name]) for one in fields(cast(Any, cls))]
    return LAYOUTS[cls]


def layout_of(one: "Field[Any]", hint: Any) -> Layout:
    """Return the Layout of one field, whose type is `hint`."""
    about = {**stored().metadata, **one.metadata}
    has_factory = one.default_factory is not MISSING
    return Layout(
        attribute=one.name,
        name=about["name"] or one.name,
        old_name=about["old_name"] or one.name,
        read=reader(hint, signed=about["signed"]),
        is_required=one.default is MISSING and not has_factory,
        optional=about["optional"],
        default=one.default_factory() if one.default_factory is not MISSING else one.default,
        digits=about["digits"],
        kinds=about["kinds"],
    )


def reader(hint: Any, signed: bool = False) -> Callable[[object], Any]:
    """Return the function that reads a value of this type, or raises Malformed."""
    if get_origin(hint) is UnionType:
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return first_of([reader(kind, signed) for kind in kinds])
    if get_origin(hint) is list:
        return list_of(reader(get_args(hint)[0], signed))
    if get_origin(hint) is dict:
        return dict_of(reader(get_args(hint)[1], signed))
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_json
    if hint is float:
        return lambda value: number(value, signed)
    readers = {int: whole_number, str: text, bool: truth, datetime: moment}
    return readers[hint]


def first_of(readers: list[Callable[[object], Any]]) -> Callable[[object], Any]:
    """Return a function that reads a value by the first reader that takes it."""

    def read(value: object) -> Any:
        for one in readers[:-1]:
            try:
                return one(value)
            except Malformed:
                continue
        return readers[-1](value)

    return read


def list_of(read: Callable[[object], Any]) -> Callable[[object], list[Any]]:
    """Return a function that reads a list, without those of its items that are malformed."""

    def read_list(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise Malformed("no list")
        found = []
        for item in value:
            try:
                found.append(read(item))
            except Malformed:
                continue
        return found

    return read_list


def dict_of(read: Callable[[object], Any]) -> Callable[[object], dict[str, Any]]:
    """Return a function that reads an object, without those of its values that are malformed."""

    def read_dict(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Malformed("no object")
        found = {}
        for name, item in value.items():
            try:
                found[str(name)] = read(item)
            except Malformed:
                continue
        return found

    return read_dict


def number(value: object, signed: bool = False) -> float:
    """Return a number that can be drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed("no number")
    low = -MOST if signed else 0
    if not low <= value <= MOST or math.isnan(value):
        raise Malformed("no number that can be drawn")
    return value


def whole_number(value: object) -> int:
    """Return a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise Malformed("no whole number")
    return value


def text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise Malformed("no text")
    return value


def truth(value: object) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise Malformed("neither true nor false")
    return value


def moment(value: object) -> datetime:
    """Return a date with its time, which can be shown in any time zone."""
    try:
        found = datetime.fromisoformat(text(value))
        found.astimezone(UTC)  # at the ends of the calendar it cannot be
        return found
    except (OSError, OverflowError, ValueError) as error:
        raise Malformed("no date") from error


def as_json(value: Any) -> Any:
    """Return a field's value as JSON has it."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value
