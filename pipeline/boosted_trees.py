"""A regression by boosted trees on few runs, with the settings of RegMix, which Meta-rater has too.

Source: Liu et al., RegMix (arXiv 2407.01492) and its code: LightGBM, learning rate 0.01, up to 1,000 rounds with early
stopping after 3 by either metric, all else as LightGBM has it; but leaves are smaller for fewer than 400 runs.
"""

from importlib import import_module
from typing import Any, Final

import numpy as np

from textmill.pipeline.errors import UsageError
from textmill.pipeline.proxy_runs import Floats

_VALIDATION: Final = 10


def fit_boosted_trees(inputs: Floats, total: Floats, *, seed: int = 0) -> Any:
    """A LightGBM booster from inputs, shape (runs, numbers), to losses; every tenth run decides when to stop.

    Raises UsageError without LightGBM.
    """
    try:
        lightgbm = import_module("lightgbm")
    except ImportError:
        raise UsageError(
            "boosted trees need LightGBM: pip install 'textmill[train]'; or use another --method"
        ) from None
    order = np.random.default_rng(seed).permutation(len(total))
    check, train = order[: max(1, len(total) // _VALIDATION)], order[max(1, len(total) // _VALIDATION) :]
    settings = {
        "objective": "regression",
        "metric": ["l1", "l2"],
        "learning_rate": 0.01,
        "min_data_in_leaf": max(2, min(20, len(train) // 20)),
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    training = lightgbm.Dataset(inputs[train], total[train], params=settings)
    checking = lightgbm.Dataset(inputs[check], total[check], reference=training)
    stop = lightgbm.early_stopping(3, verbose=False)
    return lightgbm.train(settings, training, 1000, valid_sets=[checking], callbacks=[stop])
