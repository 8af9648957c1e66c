"""One worker's part of a PyTorch module's fit: its rows' gradients, summed with the others' after each batch.

All workers draw the same batches, which are those of a fit in one process, and each takes those of a batch's rows
that it has. The sum of their gradients is the batch's, but for the order in which it is summed.

Source: Li et al. (2020), PyTorch Distributed: Experiences on Accelerating Data Parallel Training, VLDB 13(12).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.engine import Member
from tidewheel.training.fit.matrix import Matrix
from tidewheel.training.fit.modules import TorchLearner, repeatable

Ints = npt.NDArray[np.int64]
MINUTES = 10
"""For which a worker waits for another's gradients."""


@dataclass(frozen=True)
class Part:
    """What one worker is given.

    Attributes
    ----------
    learner : TorchLearner
        Begun: its module is made.
    drawn : bytes
        State of the random numbers after that, by which all draw the same batches.
    rows : Matrix
    places : int64 array
        Where its rows stand among all.
    total : int
        Rows of all workers.
    held : Matrix, optional
        What early stopping watches: the same on each.
    """

    learner: TorchLearner
    drawn: bytes
    rows: Matrix
    places: Ints
    total: int
    held: Matrix | None


@dataclass(frozen=True)
class Trained:
    """The tensors of a trained module by name, and the rounds that were kept."""

    state: dict[str, npt.NDArray[Any]]
    epochs: int


def descend(member: Member, part: Part) -> Trained | None:
    """Train in step with the other workers; the first returns what came of it."""
    import torch

    with repeatable((part.learner.random_state or 0) + member.rank):
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://{member.peers[0]}", rank=member.rank, world_size=len(member.peers),
            timeout=timedelta(minutes=MINUTES),
        )  # fmt: skip
        try:
            replica = Replica.of(part)
            replica.train(part.rows, part.held)
        finally:
            torch.distributed.destroy_process_group()
    return None if member.rank else Trained(replica.state(), replica.epochs_)


class Replica(TorchLearner):
    """A learner that has some of the rows, and sums its gradients with those of the workers that have the others."""

    _drawn: Any
    _local: Any
    _total: int

    @classmethod
    def of(cls, part: Part) -> Replica:
        """Return a worker's replica."""
        import torch

        found = copy.copy(part.learner)
        found.__class__ = cls
        assert isinstance(found, cls)
        found._drawn = torch.Generator()
        found._drawn.set_state(torch.frombuffer(bytearray(part.drawn), dtype=torch.uint8))
        found._local = torch.full((part.total,), -1)
        found._local[torch.from_numpy(part.places)] = torch.arange(len(part.places))
        found._total = part.total
        return found

    def train(self, rows: Matrix, held: Matrix | None) -> None:
        """Train the module that was begun; with rows held back, stop by them."""
        watched = None if held is None else self._tensors(held.x, held.y, held.weight)
        self._train(self._tensors(rows.x, rows.y, rows.weight), watched)

    def _batches(self, rows: int) -> Iterator[Any]:
        import torch

        for batch in torch.randperm(self._total, generator=self._drawn).split(self.batch_size):
            mine = self._local[batch]
            yield mine[mine >= 0]

    def _step(self, optimiser: Any, rows: tuple[Any, Any, Any], batch: Any) -> Any:
        import torch

        optimiser.zero_grad()
        loss, weight = self._sums(rows, batch)
        loss.backward()
        held = [parameter for parameter in self.served_.module.parameters() if parameter.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in held]
        summed = torch.cat([torch.stack([loss.detach(), weight]), *(grad.reshape(-1) for grad in grads)])
        torch.distributed.all_reduce(summed)
        mean, start = summed / summed[1], 2
        for parameter in held:
            parameter.grad = mean[start : start + parameter.numel()].reshape(parameter.shape)
            start += parameter.numel()
        optimiser.step()
        return mean[0]
