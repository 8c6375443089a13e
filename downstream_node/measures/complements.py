"""Which further cells to hide, so that what is hidden does not follow from what is shown. Pure.

Cells that differ in one group only are siblings. Somebody may know their total, from elsewhere or
because they count themselves; what they are not shown is then the total less what they are. So
what is hidden among siblings has to be as large as what may be shown: two cells at least, and as
many contributions as the threshold asks for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

SLOTS = 3


@dataclass(frozen=True, slots=True)
class Sibling:
    """A cell as its siblings see it; `weight` is what the threshold counts."""

    cell: int
    place: tuple[int, str | None]
    """Start and app."""
    groups: tuple[str | None, str | None, str | None]
    weight: int


def shown_safely(
    cells: Sequence[Sibling],
    threshold: int,
    *,
    disjoint: bool = True,
    withheld: Collection[int] = (),
) -> set[int]:
    """The cells that can be shown: above *threshold*, with none hidden that is their complement.

    *disjoint*: the weights of two cells add up, as contributions do and contributors do not.
    *withheld*: cells that are not shown for other reasons, whatever their weight.

    Hiding a cell for one group's sake can leave it alone among those of another group, so all
    groups are looked at until nothing changes.
    """
    shown = {cell.cell for cell in cells if cell.weight >= threshold}.difference(withheld)
    sets = list(sibling_sets(cells))
    while more := {
        cell for some in sets for cell in to_hide(some, shown, threshold, disjoint=disjoint)
    }:
        shown -= more
    return shown


def sibling_sets(cells: Iterable[Sibling]) -> Iterator[list[Sibling]]:
    """All sets of cells that differ in one group only, smallest cells first."""
    for slot in range(SLOTS):
        sets = defaultdict(list)
        for cell in cells:
            sets[cell.place, cell.groups[:slot], cell.groups[slot + 1 :]].append(cell)
        for some in sets.values():
            yield sorted(some, key=lambda cell: (cell.weight, cell.cell))


def to_hide(
    siblings: Sequence[Sibling], shown: set[int], threshold: int, *, disjoint: bool
) -> list[int]:
    """The smallest of the *shown* siblings, as many as have to be hidden beside those that are.

    Contributors may be in several cells: then only the largest cell says how many there are at
    least, where contributions (*disjoint*) add up.
    """
    together = sum if disjoint else max
    hidden = [cell.weight for cell in siblings if cell.cell not in shown]
    chosen: list[int] = []
    for cell in siblings:
        if not hidden or (len(hidden) > 1 and together(hidden) >= threshold):
            break
        if cell.cell in shown:
            chosen.append(cell.cell)
            hidden.append(cell.weight)
    return chosen
