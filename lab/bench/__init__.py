"""What the overlay costs, each figure as a ratio to a floor taken in the same run.

``rows`` says what a figure is and how it is timed; ``floors`` do the unavoidable work and nothing else; ``overlays``
and ``figures`` measure the product; ``rival`` measures PyPI's kademlia; ``report`` prints.
"""

from lab.bench.report import NAMES, main, run

__all__ = ["NAMES", "main", "run"]
