"""What a terminal shows while work goes on. Everything here goes to stderr, and nothing where that is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deidrelease import progress


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("{task.fields[figures]}")


class _Shown:
    def __init__(self, bars: Progress, task: TaskID) -> None:
        self.bars, self.task = bars, task
        self._smooth: dict[str, float] = {}

    def advance(self, amount: float, **figures: float) -> None:
        """Moves the bar and shows the figures, smoothed, with the rate."""
        for name, value in figures.items():
            self._smooth[name] = 0.95 * self._smooth.get(name, value) + 0.05 * value
        shown = self.bars.tasks[self.bars.task_ids.index(self.task)]
        rate = f"{shown.speed:.3g}/s" if shown.speed else ""
        text = " ".join([rate, *(f"{name} {value:.3f}" for name, value in self._smooth.items())])
        self.bars.update(self.task, advance=amount, figures=text)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def begin(self, what: str, total: float | None, done: float) -> progress.Step:
        """Adds a bar."""
        task = self._bars.add_task(what, total=total, completed=int(done), figures="")
        return _Shown(self._bars, task)

    def end(self, step: progress.Step) -> None:
        """Removes it again; finished stages are told of in lines of their own."""
        if isinstance(step, _Shown):
            self._bars.remove_task(step.task)


@contextmanager
def shown_progress() -> Iterator[Console]:
    """Shows progress bars inside the block, and yields the console for lines above them."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield console
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars, progress.listening(_Bars(bars)):
        yield console
