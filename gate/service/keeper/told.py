"""All that the feed has told so far, so that whoever connects later can be told it at once."""

from collections.abc import Iterator
from itertools import chain, islice

from gate.service.feed import Inputs, Message, Shipping, Templates

TEMPLATES_A_MESSAGE = 500
"""As many as a worker reads in well under a millisecond, between two answers."""


class Told:
    """The sum of the messages given to `add`."""

    def __init__(self) -> None:
        self._inputs: Inputs | None = None
        self._shipping: Shipping | None = None
        self._about_templates: Templates | None = None
        self._templates: dict[str, tuple[str, str, str]] = {}
        self._begun = False

    def add(self, message: Message) -> None:
        """Take one more message into the sum."""
        match message:
            case Inputs():
                self._inputs = message
            case Shipping():
                self._shipping = message
            case Templates():
                if message.reset:
                    self._begun = True
                    self._templates.clear()
                for key in message.removed:
                    self._templates.pop(key, None)
                self._templates.update((entry[0], entry) for entry in message.added)
                self._about_templates = message

    def messages(self) -> Iterator[Message]:
        """Messages that say it all to someone who knows nothing.

        They are made as they are asked for, from what had been told at the call.
        """
        first = [each for each in (self._inputs, self._shipping) if each is not None]
        if self._about_templates is None:
            return iter(first)
        templates = list(self._templates.values())
        return chain(first, _templates(self._about_templates, templates, reset=self._begun))


def _templates(
    about: Templates, templates: list[tuple[str, str, str]], *, reset: bool
) -> Iterator[Message]:
    """``reset`` False: nothing was begun yet, and what a worker knows from before still holds."""
    left = iter(templates)
    while batch := tuple(islice(left, TEMPLATES_A_MESSAGE)):
        yield Templates(reset=reset, added=batch, trouble=about.trouble)
        reset = False
    # Last, so that nobody takes half of it for all.
    yield Templates(reset=reset, synced=about.synced, trouble=about.trouble)
