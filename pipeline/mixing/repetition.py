"""What repeated tokens are worth, and the loss that they lead to.

Source: Muennighoff et al., Scaling Data-Constrained Language Models (arXiv 2305.16264), and the constants of its
code, datablations. They were fitted on English web text of up to 900 B tokens, and models of up to 9 B parameters.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REPEAT_HALF: Final = 15.387756
"""R*: after so many repeats the marginal value of one more pass has fallen to 1/e."""
PARAMETER_HALF: Final = 5.309743
"""R*_N, the like for parameters beyond what the unique tokens call for."""
WARN_EPOCHS: Final = 4
"""Up to here repeated tokens are worth almost as much as new ones (D'/U is 3.73 at 4)."""

_ALPHA: Final = 0.3526596
_BETA: Final = 0.3526596
_LN_A: Final = 6.255414
_LN_B: Final = 7.3049974
_LN_E: Final = 0.6254804


def effective_tokens(unique: npt.ArrayLike, epochs: npt.ArrayLike) -> Floats:
    """D' = U + U·R*·(1 − e^(−R/R*)) with R = epochs − 1; below one epoch, the tokens used: U·epochs."""
    u, e = np.asarray(unique, np.float64), np.asarray(epochs, np.float64)
    repeats = np.maximum(e - 1, 0)
    return np.asarray(u * (np.minimum(e, 1) - REPEAT_HALF * np.expm1(-repeats / REPEAT_HALF)))


def loss_of(parameters: float, effective: float, unique: float) -> float:
    """Predicted loss, in nats a token, of a model trained on so many effective tokens of which so many are unique.

    L = E + A/N'^α + B/D'^β. Parameters beyond the optimum for the unique tokens count for less, as repeats do.
    """
    wanted = min(parameters, _parameters_for(unique))
    excess = parameters / wanted - 1
    worth = wanted * (1 - PARAMETER_HALF * np.expm1(-excess / PARAMETER_HALF))
    terms = np.exp(_LN_E) + np.exp(_LN_A) / worth**_ALPHA + np.exp(_LN_B) / effective**_BETA
    return float(terms)


def predicted_loss(parameters: float, tokens: float, unique: float) -> float:
    """`loss_of` a model trained on `tokens` tokens, as many passes over `unique` ones as that takes."""
    seen = min(unique, tokens)
    return loss_of(parameters, float(effective_tokens(seen, tokens / seen)), seen)


def best_allocation(compute: float, unique: float) -> tuple[float, float]:
    """Parameters and tokens (in this order) of least predicted loss for `compute` FLOPs, where 6·N·D are needed."""
    low, high = np.log(1e5), np.log(compute / 6 / 1e5)
    golden = (np.sqrt(5) - 1) / 2

    def loss(log_parameters: float) -> float:
        parameters = float(np.exp(log_parameters))
        return predicted_loss(parameters, compute / 6 / parameters, unique)

    for _ in range(100):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    parameters = float(np.exp((low + high) / 2))
    return parameters, compute / 6 / parameters


def _parameters_for(unique: float) -> float:
    """Parameters for which so many unique tokens are the optimum of the law without repeats."""
    g = (_ALPHA * np.exp(_LN_A) / (_BETA * np.exp(_LN_B))) ** (1 / (_ALPHA + _BETA))
    return float((unique * g) ** (_BETA / _ALPHA) * g)
