"""Model configurations: fields with their meaning, choices and bounds, and conversion from and to JSON.

A configuration is a frozen dataclass of int, float, str, bool and tuple fields:

    width: int = setting(32, "channels of the first convolution", low=1, high=2048)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

__all__ = [
    "Setting",
    "check_range",
    "check_settings",
    "config_from_dict",
    "config_to_dict",
    "setting",
    "setting_metadata",
    "setting_of",
]

C = TypeVar("C")
T = TypeVar("T")
KEY = "setting"  # key in the metadata of a field
LARGEST = 1e30  # bound of every number; also excludes NaN, infinity and huge integers


@dataclass(frozen=True)
class Setting:
    """The meaning of a configuration field and its valid values."""

    meaning: str  # with its unit
    choices: tuple[str, ...] = ()  # of a string field
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""  # of the bounds, for error messages


def setting(
    default: T,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
) -> T:
    """Declares a field of a configuration.

    Arguments:
        default: Default value.
        meaning: Meaning, with the unit.
        choices: Valid values of a string field.
        low: Lower bound of a number.
        high: Upper bound of a number.
        unit: Unit of the bounds, for error messages.

    Returns:
        A dataclass field, typed as its default so that type checkers see the field's type.
    """
    metadata = setting_metadata(meaning, choices=choices, low=low, high=high, unit=unit)
    return field(default=default, metadata=metadata)


def setting_metadata(meaning: str, **limits: Any) -> dict[str, Setting]:
    """Returns the metadata of a field without a default; the arguments are those of `setting`."""
    return {KEY: Setting(meaning, **limits)}


def setting_of(declared: Field[Any]) -> Setting:
    """Returns the declaration of a field.

    Raises:
        ValueError: If the field was declared without `setting`.
    """
    metadata = declared.metadata.get(KEY)
    if not isinstance(metadata, Setting):
        raise ValueError(f"`{declared.name}` must be declared with `setting`.")
    return metadata


def check_settings(config: Any) -> None:
    """Checks each field of a configuration against its choices and bounds.

    Raises:
        ValueError: If a value is invalid.
    """
    for each in fields(config):
        declared = setting_of(each)
        if declared.choices:
            _check_choice(each.name, getattr(config, each.name), declared.choices)
        elif isinstance(getattr(config, each.name), int | float):
            check_range(config, each.name, declared.low, declared.high, declared.unit)


def check_range(config: Any, name: str, low: float, high: float, unit: str = "") -> None:
    """Raises ValueError if a field of a configuration is not in [low, high]."""
    value = getattr(config, name)
    if not low <= value <= high:
        bounds = ", ".join(f"{bound:.10g}" for bound in (low, high))
        raise ValueError(f"`{name}` must lie in [{bounds}]{unit and ' ' + unit}. Got {value}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"Unknown {name} {value[:80]!r}. Choose one of: {', '.join(choices)}.")


def config_to_dict(config: Any) -> dict[str, Any]:
    """Converts a configuration to plain JSON values (tuples become lists)."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}


def config_from_dict(cls: type[C], values: Mapping[str, Any]) -> C:
    """Builds a configuration from untrusted JSON values.

    Arguments:
        cls: A frozen dataclass of int, float, str, bool and tuple fields. Its `__post_init__` checks the ranges.
        values: Field names and values; fields with a default may be omitted.

    Raises:
        ValueError: If a field is unknown or missing, or a value has the wrong type.
    """
    hints = get_type_hints(cls)
    names = [each.name for each in fields(cls)]  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise ValueError(
            f"Unknown {cls.__name__} field {unknown[0][:80]!r}. Choose from: {', '.join(names)}."
        )
    checked: dict[str, Any] = {}
    for name, value in values.items():
        expected = hints[name]
        if getattr(expected, "__origin__", None) is tuple:
            if not isinstance(value, list | tuple) or not all(type(v) is int for v in value):
                raise ValueError(f"`{name}` must be a list of integers. Got {_short(value)}.")
            checked[name] = tuple(value)
        elif expected is float and type(value) in (int, float) and abs(value) < LARGEST:
            checked[name] = float(value)
        elif type(value) is expected and expected is not float:
            checked[name] = value
        else:
            raise ValueError(f"`{name}` must be of type {expected.__name__}. Got {_short(value)}.")
    try:
        return cls(**checked)
    except TypeError as error:
        raise ValueError(f"{cls.__name__} is incomplete: {error}.") from error


def _short(value: Any) -> str:
    """Formats a value for an error message: one line of at most 81 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
