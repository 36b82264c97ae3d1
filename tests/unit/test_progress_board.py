"""What a process writes of its steps into a slot is what another one shows."""

from dataclasses import dataclass, field

from deidrelease import progress
from deidrelease.progress_board import Mirror, board_of, writing_to_slot


@dataclass
class Shown:
    """A step as a person would see it."""

    what: str
    total: float | None
    done: float

    def advance(self, amount: float, **figures: float) -> None:  # noqa: ARG002
        self.done += amount


@dataclass
class Screen:
    """What stands on it now."""

    steps: list[Shown] = field(default_factory=list)

    def begin(self, what: str, total: float | None, done: float) -> progress.Step:
        self.steps.append(Shown(what, total, done))
        return self.steps[-1]

    def end(self, step: progress.Step) -> None:
        self.steps = [one for one in self.steps if one is not step]

    def told(self) -> list[tuple[str, float | None, float]]:
        return [(one.what, one.total, one.done) for one in self.steps]


def shown(mirror: Mirror, screen: Screen) -> list[tuple[str, float | None, float]]:
    """After another look: the reader is another process than the writer, and has a listener of its own."""
    with progress.listening(screen):
        mirror.show()
    return screen.told()


def test_a_step_its_progress_and_its_end() -> None:
    board, screen = board_of(2), Screen()
    mirror = Mirror(board)
    assert shown(mirror, screen) == []
    with writing_to_slot(board, 1):
        with progress.step("reading", 10, 2) as step:
            assert shown(mirror, screen) == [("reading", 10, 2)]
            step.advance(3)
            step.advance(1, loss=0.5)
            assert shown(mirror, screen) == [("reading", 10, 6)]
            with progress.step("looking closer") as inner:
                inner.advance(5)
                step.advance(1)
                assert shown(mirror, screen) == [("looking closer", None, 5)]
            assert shown(mirror, screen) == [("reading", 10, 7)]
        assert shown(mirror, screen) == []
        with progress.step("é" * 200):
            assert shown(mirror, screen)[0][0].startswith("é" * 40)
    assert shown(mirror, screen) == []


def test_a_step_that_began_and_ended_between_two_looks_leaves_the_next_one() -> None:
    board, screen = board_of(1), Screen()
    mirror = Mirror(board)
    with writing_to_slot(board, 0):
        with progress.step("first", 4):
            assert shown(mirror, screen) == [("first", 4, 0)]
        with progress.step("second", 5):
            assert shown(mirror, screen) == [("second", 5, 0)]
            mirror.close()
            assert screen.told() == []
