"""Requests of clients that wait for their answer.

**Bound**: `MAX_WAITING` of all kinds together; one more is refused at once. Nothing here expires:
a client has a timeout of its own, and may ask again within the same session.
"""

from __future__ import annotations

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.raft import effects as fx
from veristack_lab.veristore.raft.answers import Answer, Outcome, Query
from veristack_lab.veristore.raft.commands import Reply
from veristack_lab.veristore.raft.entries import Entry
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.protocols import Clients

MAX_WAITING = 4096


class Requests:
    """The requests that wait on one node.

    Args:
        clients: gets the answers.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._waiting: dict[int, Query | None] = {}
        """By request id; with what is to be read, for reads."""
        self._by_index: dict[int, tuple[int, int]] = {}
        """Term and request id of the entries that were accepted, by their index."""
        self._transfer: int | None = None
        self.leader = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def admit(self, request_id: int, query: Query | None = None) -> bool:
        """Whether a request is taken; else it is answered already.

        Raises:
            InvalidInput: the request id is in use.
        """
        if request_id in self._waiting:
            raise InvalidInput(f"request {request_id} still waits; give each request its own id")
        if len(self._waiting) >= MAX_WAITING:
            self._answer(request_id, Outcome.REFUSED, f"{MAX_WAITING:,} requests wait already")
            return False
        self._waiting[request_id] = query
        return True

    def admit_transfer(self, request_id: int) -> bool:
        """As `admit`, for the one transfer that may be under way."""
        if self._transfer is not None:
            self._answer(request_id, Outcome.REFUSED, str(fx.Reason.TRANSFERRING))
            return False
        if not self.admit(request_id):
            return False
        self._transfer = request_id
        return True

    def accepted(self, effect: fx.Accepted) -> None:
        """An entry was appended: the answer comes when its index is applied."""
        replaced = self._by_index.pop(effect.index, None)
        self._by_index[effect.index] = effect.term, effect.request_id
        if replaced is not None:
            self._answer(replaced[1], Outcome.UNKNOWN, str(fx.Reason.LEADER_CHANGED))

    def refused(self, effect: fx.Refused | fx.ReadRefused) -> None:
        """The core refused a proposal, a change or a read."""
        detail = getattr(effect, "detail", "")
        reason = f"{effect.reason}: {detail}" if detail else str(effect.reason)
        self._answer(effect.request_id, Outcome.REFUSED, reason, effect.leader)

    def applied(self, entry: Entry, reply: Reply | None) -> None:
        """An entry was applied: the request that waits at its index gets an answer."""
        found = self._by_index.pop(entry.index, None)
        if found is None:
            return
        term, request_id = found
        if term == entry.term:
            self._finish(Answer(request_id, Outcome.DONE, reply, leader=self.leader))
        else:
            self._answer(request_id, Outcome.LOST, "another leader's entry took its place")

    def passed_over(self, index: int) -> None:
        """A snapshot took the place of entries up to an index: what became of them is unknown."""
        for passed in [each for each in self._by_index if each <= index]:
            _, request_id = self._by_index.pop(passed)
            self._answer(request_id, Outcome.UNKNOWN, "a snapshot took the entry's place")

    def read_ready(self, effect: fx.ReadReady, machine: Machine) -> None:
        """A read may be served now."""
        query = self._waiting.get(effect.request_id)
        if query is None:
            return
        if query.key is not None:
            found = Answer(effect.request_id, Outcome.DONE, value=machine.get(query.key))
        else:
            pairs = machine.scan(query.prefix, query.start, query.limit)
            found = Answer(effect.request_id, Outcome.DONE, pairs=tuple(pairs))
        self._finish(found._replace(leader=self.leader))

    def transfer_ended(self, effect: fx.TransferEnded) -> None:
        """The transfer is over."""
        request_id, self._transfer = self._transfer, None
        if request_id is not None:
            outcome = Outcome.DONE if effect.done else Outcome.REFUSED
            self._answer(request_id, outcome, str(effect.reason or ""))

    def stopped(self, reason: str) -> None:
        """The node stops: nothing that waits will get another answer."""
        self._by_index.clear()
        self._transfer = None
        for request_id in list(self._waiting):
            self._answer(request_id, Outcome.UNKNOWN, reason)

    def _answer(self, request_id: int, outcome: Outcome, reason: str, leader: int = 0) -> None:
        self._finish(Answer(request_id, outcome, reason=reason, leader=leader or self.leader))

    def _finish(self, answer: Answer) -> None:
        self._waiting.pop(answer.request_id, None)
        self._clients.answer(answer)
