"""How much there is to learn from a group's text, measured without training: its conditional bigram entropy."""

import json
from functools import cache

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import filesystem


@cache
def load_entropies(path: str) -> dict[str, float]:
    """Bits a word by group from the file that `textmill fit-entropy` wrote. Raises InputError."""
    try:
        fs, name = filesystem(path)
        content = json.loads(fs.cat_file(name))
        return {str(group): float(bits) for group, bits in content["entropies"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not entropies by group as textmill fit-entropy writes: {error}") from error
