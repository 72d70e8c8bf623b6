"""A run as it lies on disk, for whoever reads one: its plan, its stages in order, and their books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textmill.pipeline.errors import DamagedRunError, InputError
from textmill.pipeline.io.files import exists, join
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.output import data_file
from textmill.pipeline.plan import OUTPUT
from textmill.pipeline.stage_folder import KINDS, StageFolder, parts_in, read_json


@dataclass(frozen=True)
class StageBooks:
    """The books of a stage: of all its parts when it is complete, else of those that are done.

    parts: their numbers. wall_seconds: what the stage took in the run that completed it; None until then.
    """

    ledger: Ledger
    parts: Sequence[int]
    complete: bool
    wall_seconds: float | None = None


@dataclass(frozen=True)
class RunStage:
    """A stage of the run in folder `out`; `kind` is ``chain``, ``barrier`` or ``output``.

    planned: the parts that it must have, where the plan knows them: in the first stage, which may also
    hold parts of files that are no longer among the inputs.
    """

    name: str
    kind: str
    folder: StageFolder
    out: str
    planned: Sequence[int] | None = None

    def file(self, kind: str, part: int) -> str:
        """Path of a part's Parquet file; the output's data is the corpus, and a path within that is a kind, too."""
        if self.kind == OUTPUT and (kind == "data" or kind not in KINDS):
            data = join(self.out, "data")
            return data_file(data, part) if kind == "data" else join(data, kind)
        return self.folder.file(kind, part)

    def parts(self) -> list[int]:
        """Numbers of the parts of this run that are done, without a look at their manifests."""
        there = parts_in(join(self.folder.path, "shards"))
        return sorted(there if self.planned is None else there.intersection(self.planned))

    def summary(self) -> dict[str, Any] | None:
        """The stage's manifest; None unless it is complete."""
        summary = self.folder.summary()
        if summary is None or self.planned is None or summary["parts"] == self.planned:
            return summary
        return None

    def books(self) -> StageBooks:
        """What the manifests say. Raises DamagedRunError when one cannot be read."""
        try:
            summary = self.summary()
            if summary is not None:
                return StageBooks(Ledger.from_json(summary["ledger"]), summary["parts"], True, summary["wall_seconds"])
            manifests = self.folder.manifests()
        except (KeyError, TypeError) as error:
            raise DamagedRunError(f"a manifest of {self.folder.path} is damaged; see textmill verify") from error
        ledger = Ledger()
        done = [part for part in self.parts() if part in manifests]
        for part in done:
            ledger.add(manifests[part].ledger)
        return StageBooks(ledger, done, False)


@dataclass(frozen=True)
class RunFolder:
    """The latest run in a folder.

    input_bytes: size of all shards of its inputs as stored. last_run: how the latest attempt ended
    (``reused`` stages, ``failures``); None when it was killed or stopped by an error. format: of the corpus.
    mixed: whether documents come as often as a mix says, in the folders of its phases.
    """

    out: str
    recipe: str
    input_bytes: int
    stages: Sequence[RunStage]
    last_run: Mapping[str, Any] | None
    format: str = "parquet"
    mixed: bool = False

    @property
    def plain(self) -> bool:
        """Whether the corpus is the last chain's rows, in order, in files of Parquet."""
        return self.format == "parquet" and not self.mixed

    def mixture(self) -> dict[str, Any] | None:
        """What the mix planned and drew, once it has; None for a run without one."""
        findings = self.stages[-3].folder.findings() if self.mixed else None
        return findings["mixture"] if findings else None


def open_run(out: str) -> RunFolder:
    """The run in folder or URL `out`. Raises InputError when there is none, DamagedRunError for a broken plan."""
    plan, last = join(out, "stages", "plan.json"), join(out, "stages", "last_run.json")
    if not exists(plan):
        raise InputError(f"{out}: no run here; {plan} is missing")
    try:
        content = read_json(plan)
        stages = [
            RunStage(
                entry["name"],
                entry["kind"],
                StageFolder(join(out, "stages", entry["folder"])),
                out,
                content["parts"] if number == 0 else None,
            )
            for number, entry in enumerate(content["stages"])
        ]
        ended = read_json(last) if exists(last) else None
        corpus = content.get("corpus", {})
        return RunFolder(out, content["recipe"], content["input_bytes"], stages, ended, **corpus)
    except (KeyError, TypeError, DamagedRunError) as error:  # the next run writes both, and reads neither
        raise DamagedRunError(f"{plan} or {last} is damaged ({error!r}); run the recipe again") from error
