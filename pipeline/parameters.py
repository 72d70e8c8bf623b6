"""What steps, barriers and readers have in common: they are their own configuration."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, field_serializer

from textmill.pipeline.errors import did_you_mean


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

    @classmethod
    def inner_names(cls, given: Mapping[str, object]) -> tuple[str, ...]:  # noqa: ARG003
        """The names of other steps in parameters as YAML has them, so that plugins can be found for them."""
        return ()

    def inner_parts(self) -> "tuple[Parameters, ...]":
        """Other steps among its parameters: their revisions and sources determine the output too."""
        return ()

    def uses_gpu(self) -> bool:
        """Whether it, or a step among its parameters, computes on a GPU where it finds one."""
        return any(inner.uses_gpu() for inner in self.inner_parts())

    def prepare(self) -> None:
        """Load what is loaded once a worker (models, lists), so that errors come before the first shard.

        Called by `textmill check`, at the start of a run, and in each worker. Raises ModelError or
        InputError for a file that is missing or wrong.
        """


def problems_in(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """What pydantic found wrong with parameters of `model`, in the words of a recipe."""
    return [_explain(detail, model) for detail in error.errors()]


def _explain(detail: Any, model: type[BaseModel]) -> str:
    """What pydantic found, in the words of a recipe."""
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _fields_at(model, detail["loc"][:-1])
        hint = did_you_mean(str(detail["loc"][-1]), known)
        return f"unknown parameter {path!r}{hint} (there are: {', '.join(known)})"
    if detail["type"] == "missing":
        return f"parameter {path!r} is missing"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{path}: {message}" if path else message


def _fields_at(model: type[BaseModel], path: Iterable[object]) -> list[str]:
    """Names of the parameters of the model that stands at `path` in `model`."""
    for part in path:
        field_info = model.model_fields.get(str(part))
        nested = field_info.annotation if field_info else None
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            model = nested
    return list(model.model_fields)
