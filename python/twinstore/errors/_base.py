"""What all errors have."""

from __future__ import annotations

from typing import Any


class TwinstoreError(Exception):
    """The base of all errors of twinstore.

    Args:
        message: what went wrong and what to do; what ``str`` gives.
        arguments: the ``args``, where a builtin exception has others than its text.
        attributes: what the class says it has.
    """

    message: str

    def __init__(self, message: str, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*(arguments or (message,)))
        self.message = message
        for name, value in attributes.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (type(self), self.args, getattr(self, "filename", None)), self.__dict__


def restored(cls: type[TwinstoreError], args: tuple[Any, ...], filename: str | None) -> TwinstoreError:
    """The error that was pickled, but for its attributes."""
    # The file of an `OSError` is among what it is made of, but not among its `args`.
    return cls("", *args, *([] if filename is None else [filename]))
