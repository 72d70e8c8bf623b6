"""What a recipe says of a mixture: grouping, weights between groups, repetition within them, budget, caps, phases."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from textmill.pipeline.errors import UsageError
from textmill.pipeline.parameters import Parameters

_POWERS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}

_SUM_SLACK = 1e-6
"""By how much shares may miss 1 in all, as rounded ones do."""


def _tokens(given: Any) -> Any:
    """``500M``, ``10B`` and ``1.5T`` as whole numbers; 1e9 too, as YAML may read it as text."""
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if isinstance(given, str):
        found = re.fullmatch(r"\s*(\d[\d_]*\.?\d*(?:e\+?\d+)?)\s*([kMGBT]?)\s*", given)
        if found is None:
            raise ValueError(f"{given!r} is no number of tokens; write 500M, 10B or 1.5T")
        return round(float(found[1].replace("_", "")) * _POWERS[found[2]])
    return given


def amount(given: str) -> int:
    """A number of tokens as people write it. Raises UsageError for anything else."""
    try:
        return int(_tokens(given))
    except ValueError as error:
        raise UsageError(str(error)) from None


Tokens = Annotated[int, BeforeValidator(_tokens), Field(gt=0)]
"""A number of tokens: 10000000, 10M, 1.5T."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Explicit(_Settings):
    """Shares of tokens by group, as they are. Every group that has documents must be named, 0 leaves it out."""

    kind: Literal["explicit"]
    shares: dict[str, float] = Field(description="share of the tokens by group: web, or web/en for two columns")

    @model_validator(mode="after")
    def _one_in_all(self) -> "Explicit":
        if below := [f"share of {name} is {share:g}, below 0" for name, share in self.shares.items() if share < 0]:
            raise ValueError("; ".join(below))
        total = sum(self.shares.values())
        if not abs(total - 1) <= _SUM_SLACK:
            listed = ", ".join(f"{name} {share:g}" for name, share in self.shares.items())
            raise ValueError(f"shares add up to {total:g}, not 1: {listed or 'there are none'}")
        return self


class Proportional(_Settings):
    """As many tokens of a group as it has, in proportion."""

    kind: Literal["proportional"] = "proportional"


class Temperature(_Settings):
    """Share proportional to tokens to the power of `alpha`: 1 is proportional, 0 uniform."""

    kind: Literal["temperature"]
    alpha: float = Field(0.3, ge=0, le=1, description="exponent; mT5 and XLM-R used 0.3, multilingual BERT 0.7")


class Unimax(_Settings):
    """As uniform as `max_epochs` allows: the smallest groups give all they may, the others share what is left."""

    kind: Literal["unimax"]


class Entropy(_Settings):
    """Share proportional to a group's conditional bigram entropy to the power of `gamma`, free of training (BiMix)."""

    kind: Literal["entropy"]
    entropies: dict[str, float] = Field({}, description="bits a token by group, if you have them")
    file: str = Field("", description="or the file that `textmill fit-entropy` wrote")
    gamma: float = Field(1.0, ge=0, description="exponent; 0 is uniform")


class MixingLaw(_Settings):
    """The shares of least predicted loss by an exponential mixing law, within the caps."""

    kind: Literal["mixing_law"]
    file: str = Field(description="what `textmill fit-mixture --method law` wrote")


class RegMix(_Settings):
    """The mean of the best simulated mixtures of a gradient-boosted regression, of those within the caps."""

    kind: Literal["regmix"]
    file: str = Field(description="what `textmill fit-mixture --method regmix` wrote")
    best: int = Field(128, ge=1, description="how many of the best mixtures to average")


Weights = Annotated[
    Explicit | Proportional | Temperature | Unimax | Entropy | MixingLaw | RegMix, Field(discriminator="kind")
]


class Uniform(_Settings):
    """Every document of a group as often as any other."""

    kind: Literal["uniform"] = "uniform"


class QualityCurve(_Settings):
    """The better a document, the more often: a factor for each quality vigintile of a group, rising (Dolma 3).

    The lowest are left out; of the others a vigintile in the middle x of (0, 1] is used in proportion to
    x ** steepness, flatter where the best would else exceed `max_factor`.
    """

    kind: Literal["quality_curve"]
    column: str = Field("quality", description="the score; more is better")
    drop_below: float = Field(0.4, ge=0, lt=1, description="share of a group's tokens, the worst, that is left out")
    max_factor: float = Field(7.0, gt=0, description="largest number of times that a document is used in a phase")
    steepness: float = Field(1.0, ge=0, description="exponent of the curve; 0 is flat")
    buckets: int = Field(20, ge=1, le=1000, description="quantiles of equal tokens; 20 are vigintiles")


class Rehydrate(_Settings):
    """Documents by the size of the cluster of duplicates that they stand for (FineWeb2).

    A group is used in proportion to these factors; with proportional weights and no budget they are the repetitions.
    """

    kind: Literal["rehydrate"]
    column: str = Field("cluster_size", description="size of a document's cluster")
    factors: dict[int, float] = Field(
        {}, description="factor from this cluster size on, such as {1: 1, 2: 2, 100: 8, 1000: 1}"
    )
    file: str = Field("", description="or what `textmill fit-rehydration` wrote")

    @model_validator(mode="after")
    def _one_origin(self) -> "Rehydrate":
        if bool(self.factors) == bool(self.file):
            raise ValueError("give either factors or file")
        if any(size < 1 or factor < 0 for size, factor in self.factors.items()):
            raise ValueError("sizes start at 1, and factors at 0")
        return self


Within = Annotated[Uniform | QualityCurve | Rehydrate, Field(discriminator="kind")]


class Phase(_Settings):
    """A stretch of training with a mixture of its own. What is not given is as in the mixture."""

    name: str = Field(pattern=r"^[\w.-]+$", description="names its files")
    budget_tokens: Tokens | None = Field(None, description="tokens of the phase")
    share: float | None = Field(None, gt=0, le=1, description="or its share of the mixture's budget")
    weights: Weights | None = Field(None, description="shares of the groups")
    within: Within | None = Field(None, description="repetition within a group")
    leave_out: tuple[str, ...] = Field((), description="groups, or values of a column of `by`, that it does without")
    leave_one_out: str = Field(
        "", description="a column of `by`: also plan a variant of the phase without each of its values, for ablations"
    )


class Mixture(Parameters):
    """How much of each group of documents to use, how often, and in which phase."""

    by: tuple[str, ...] = Field(("source",), min_length=1, description="columns whose values make a group")
    weights: Weights = Field(Proportional(), description="share of each group, by kind")
    within: Within = Field(Uniform(), description="repetition within a group, by kind")
    budget_tokens: Tokens | None = Field(
        None, description="tokens of all phases together, such as 10B; null: as many as there are"
    )
    max_epochs: float | dict[str, float] = Field(
        4.0, description="how often a group may be used in all phases together; or by group, `default` for the others"
    )
    over_cap: Literal["refuse", "redistribute"] = Field(
        "refuse", description="when a share is above its cap: stop, or give the rest to the other groups"
    )
    phases: tuple[Phase, ...] = Field((), description="one after another; none: a single phase named main")
    tokens_column: str = Field("tokens", description="token counts; without the column they are estimated")

    @model_validator(mode="after")
    def _consistent(self) -> "Mixture":
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError(f"phases need names of their own, not {', '.join(names)}")
        columns = {self.column_of(phase) for phase in self.phases} - {None}
        if len(columns) > 1:
            raise ValueError(
                f"all phases must go by one column within groups, not {', '.join(sorted(map(str, columns)))}"
            )
        caps = self.max_epochs.values() if isinstance(self.max_epochs, dict) else [self.max_epochs]
        if not all(cap > 0 for cap in caps):
            raise ValueError("max_epochs must be above 0")
        self._check_phases()
        return self

    def _check_phases(self) -> None:
        for phase in self.phases:
            if phase.budget_tokens is not None and phase.share is not None:
                raise ValueError(f"phase {phase.name}: give budget_tokens or share, not both")
            if phase.leave_one_out and phase.leave_one_out not in self.by:
                raise ValueError(f"phase {phase.name}: leave_one_out: {phase.leave_one_out!r} is not in `by`")
        shares = [phase.share for phase in self.phases]
        if any(share is None for share in shares):
            given = [phase.budget_tokens is not None or phase.share is not None for phase in self.phases]
            if not all(given) and len(given) > 1:
                raise ValueError("each of several phases needs budget_tokens or share")
        else:
            total = sum(share for share in shares if share is not None)
            if shares and abs(total - 1) > _SUM_SLACK:
                raise ValueError(f"the shares of the phases add up to {total:g}, not 1")

    def column_of(self, phase: Phase | None = None) -> str | None:
        """The score by which documents of a group are told apart, if any."""
        within = (phase and phase.within) or self.within
        return None if isinstance(within, Uniform) else within.column

    @property
    def value_column(self) -> str | None:
        """The one score by which any phase tells documents of a group apart, if any does."""
        columns = [self.column_of(phase) for phase in self.phases] or [self.column_of()]
        return next((column for column in columns if column is not None), None)

    def reads(self) -> frozenset[str]:
        """The columns of `by`, and the score within groups."""
        return frozenset(self.by) | ({self.value_column} if self.value_column else set())

    def depends_on(self) -> tuple[str, ...]:
        """Files of fitted weights and factors."""
        parts = [self.weights, self.within, *(p.weights for p in self.phases), *(p.within for p in self.phases)]
        files = [getattr(part, "file", "") for part in parts]
        return tuple(dict.fromkeys(file for file in files if file))
