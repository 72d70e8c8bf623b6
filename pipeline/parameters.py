"""What steps, barriers and readers have in common: they are their own configuration."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, field_serializer


class Parameters(BaseModel):
    """A frozen set of parameters whose fields are the YAML parameters; it holds no state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: ClassVar[int] = 1
    """Rises whenever the same input and parameters would give another output."""

    @field_serializer("*", mode="wrap", when_used="json")
    def _sorted_sets(self, value: object, dump: SerializerFunctionWrapHandler) -> Any:
        """A set has another order in every process; what is written and hashed may not."""
        return sorted(dump(value)) if isinstance(value, (set, frozenset)) else dump(value)

    def reads(self) -> frozenset[str]:
        """Names of the columns it needs."""
        return frozenset({"text"})

    def adds(self) -> frozenset[str]:
        """Names of the columns it adds."""
        return frozenset()

    def depends_on(self) -> tuple[str, ...]:
        """Model files and word lists whose content determines the output (paths or URLs)."""
        return ()

    def libraries(self) -> tuple[str, ...]:
        """Distributions whose version determines the output, such as an extractor's."""
        return ()

    def prepare(self) -> None:
        """Load what is loaded once a worker (models, lists), so that errors come before the first shard.

        Called by `textmill check`, at the start of a run, and in each worker. Raises ModelError or
        InputError for a file that is missing or wrong.
        """
