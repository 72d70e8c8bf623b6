"""What can go wrong, as one tree.

::

    TextmillError
    ├── UsageError            the recipe, an option or the input is wrong; nothing ran (exit code 2)
    │   ├── RecipeError       names, parameters, columns; carries every problem found, not only the first
    │   ├── InputError        a file that is missing, unreadable or not what its reader expects
    │   └── ModelError        a model file that is missing, damaged or of the wrong kind
    ├── StepError             a step broke on the data of a shard, not on one document
    ├── ConservationError     rows in are not rows out plus rows dropped: a bug, never a warning
    ├── ExpectationError      a share that the recipe's `expect` calls implausible
    └── DamagedRunError       files of a run do not match its manifests
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class TextmillError(Exception):
    """Root of every error raised on purpose."""


class UsageError(TextmillError):
    """The recipe, an option or the input is wrong."""


class RecipeError(UsageError):
    """One or more problems in a recipe, found before anything starts."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class InputError(UsageError):
    """An input that is missing, unreadable or not what its reader expects."""


class ModelError(UsageError):
    """A model file that is missing, damaged or of the wrong kind."""


class StepError(TextmillError):
    """A step broke on a shard's data: the step is at fault, not one document."""


class ConservationError(TextmillError):
    """Rows in are not rows out plus rows dropped."""


class ExpectationError(TextmillError):
    """A result that the recipe's `expect` calls implausible."""


class DamagedRunError(TextmillError):
    """Files of a run that do not match its manifests."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'gopher_quality'?"`` when a known name is close to `word`, else ``""``."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
