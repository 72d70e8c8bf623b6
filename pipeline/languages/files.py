"""Lays the derived thresholds of a language out as the file that filters read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from textmill.filters.per_language import LanguageFile
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.languages.parameters import thresholds
from textmill.pipeline.languages.samples import Measured
from textmill.pipeline.languages.thresholds import Derived
from textmill.pipeline.word_lists import WITHOUT_BORDERS

_HEADING = "# Thresholds for {}, by textmill derive-thresholds; docs/languages.md says how.\n"


def write_language(
    derived: Derived, reference: Measured, out: str, *, also: Sequence[str], evidence: Mapping[str, Any]
) -> str:
    """Write ``out/xx.yaml`` and return its path."""
    content = _content(derived, reference, also, evidence)
    LanguageFile.model_validate(content)
    text = yaml.dump(content, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=118, default_flow_style=None)
    path = join(out, f"{derived.language}.yaml")
    with write_whole(path) as stream:
        stream.write((_HEADING.format(derived.language) + text).encode())
    return path


class _Plain(yaml.SafeDumper):
    """What stands twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _content(derived: Derived, reference: Measured, also: Sequence[str], evidence: Mapping[str, Any]) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {}
    quantiles = {}
    for threshold in thresholds():
        section, definition = threshold.home
        stated = sections.setdefault(section, {}).setdefault(definition, {})
        stated[threshold.parameter] = derived.limits[threshold.name]
        if len(values := reference.values[threshold.name]):
            quantiles[threshold.name] = [float(f"{q:.3g}") for q in np.quantile(values, (0.01, 0.05, 0.5, 0.95, 0.99))]
    words = derived.words
    if words.stop_words:
        for stated in sections["gopher_quality"].values():
            stated |= {"min_stop_words": words.fewest, "stop_words": list(words.stop_words)}
    sections["language_threshold"] = {"min_score": derived.min_score}
    if words.pairs:
        sections["letter_pairs"] = {"min_common_pair_ratio": words.min_ratio, "pairs": list(words.pairs)}
    if derived.language in WITHOUT_BORDERS:
        sections["c4_bad_words"] = {"borders": False}
    return {
        "language": derived.language,
        "also": list(also),
        "thresholds": sections,
        "notes": derived.notes,
        "evidence": {
            **evidence,
            "documents": reference.documents,
            "characters": reference.characters,
            "tail": derived.tail,
            "kept": round(derived.kept, 4),
            "quantiles_1_5_50_95_99": quantiles,
        },
    }
