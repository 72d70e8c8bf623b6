"""`one_of` and `between`: judge documents by a column that a reader brought or a scorer added."""

from typing import Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.step import Filter
from textmill.pipeline.verdict import Verdict

_QUOTE: Final = "quote what YAML takes for something else, such as 'no' or '2024'"


class OneOf(Filter):
    """Keep documents whose column holds one of the given values; name null among them to keep those without."""

    column: str = Field(description="name of the column")
    values: tuple[StrictStr | StrictInt | StrictFloat | StrictBool | None, ...] = Field(
        min_length=1, description="values of documents to keep, all of one type"
    )

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        types = {type(value).__name__ for value in self.values if value is not None}
        if len(types) > 1 and types != {"int", "float"}:
            raise ValueError(f"values are of several types ({', '.join(sorted(types))}); {_QUOTE}")
        return self

    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`missing_<column>` where it is null, `<column>_not_allowed` where it holds another value.

        Raises RecipeError when the values are not of the column's type.
        """
        column = batch.column(self.column)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        try:
            allowed = pc.is_in(column, pa.array(self.values, column.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            listed = ", ".join(map(repr, self.values))
            message = f"one_of: column {self.column!r} is {column.type} and cannot hold {listed}; {_QUOTE}"
            raise RecipeError(message) from error
        return (
            Verdict.of(batch)
            .drop(f"missing_{self.column}", pc.and_not(pc.is_null(column), allowed))
            .drop(f"{self.column}_not_allowed", pc.invert(allowed))
        )


class Between(Filter):
    """Keep documents whose column is a number from `min` to `max`, both included; one of the two will do."""

    column: str = Field(description="name of the column")
    min: float | None = Field(None, description="smallest value to keep")
    max: float | None = Field(None, description="largest value to keep")
    missing: Literal["drop", "keep"] = Field("drop", description="what becomes of documents without a number")

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing lies between")
        return self

    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`missing_<column>` where it is null or NaN, else `<column>_too_low` or `<column>_too_high`.

        Raises RecipeError for a column that holds no numbers.
        """
        column = batch.column(self.column)
        if not _is_number(column.type):
            raise RecipeError(f"between: column {self.column!r} is {column.type}, not a number")
        values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        verdict = Verdict.of(batch)
        if self.missing == "drop":
            verdict = verdict.drop(f"missing_{self.column}", np.isnan(values))
        if self.min is not None:
            verdict = verdict.drop(f"{self.column}_too_low", values < self.min, values, self.min)
        if self.max is not None:
            verdict = verdict.drop(f"{self.column}_too_high", values > self.max, values, self.max)
        return verdict


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    )
