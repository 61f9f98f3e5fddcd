"""A learner's pool, with the books kept beside it: every answer is held to them at once."""

from __future__ import annotations

from types import SimpleNamespace

from veristack_lab.errors import InvalidInput, NoNodeAvailable
from veristack_lab.labs import checking
from veristack_lab.labs.checking import FirstBad, bad, call, describe, raising_is_bad, show

from .oracle import Books, blocks_of, request_of

SHOWN_NAMES = 12


def words_of(request):
    """A request as a learner reads it in the code."""
    return (
        f"Request({request.name!r}, {show(request.hashes)}, tokens={request.tokens},"
        f" answer_tokens={request.answer_tokens})"
    )


def plural(count, word):
    return f"{count} {word}{'' if count == 1 else 's'}"


def names(entries):
    """Hashes in words."""
    shown = [entry.decode() for entry in entries][:SHOWN_NAMES]
    return ", ".join(shown) + (" ..." if len(entries) > SHOWN_NAMES else "")


class Watched:
    """Calls the learner's pool and compares; raises FirstBad with the picture of all blocks."""

    def __init__(self, work, total):
        self.work, self.total = work, total
        self.books = Books(total)
        self.story, self.spoils = [], False
        self.pool = call(work, "BlockPool", total, expected="a pool")

    # ------------------------------------------------------------ calls

    def call(self, target, method, *arguments, given, expected, but=()):
        """Call a method of the pool, or of what stands before it."""
        # `call` looks for a function by its name, and in the file for the line.
        at = SimpleNamespace(__file__=self.work.__file__)
        if (function := getattr(target, method, None)) is not None:
            setattr(at, method, function)
        return call(at, method, *arguments, given=given, expected=expected, but=but)

    def refuse(self, expected, got, *marks):
        """The last answer is the first bad event. Raises FirstBad, always."""
        bad(expected, got, picture=self.picture(*marks))

    def picture(self, *marks):
        """The blocks as they have to be now, and what led there."""
        title = "the blocks as they have to be, after these calls"
        return self.books.picture(title, self.story, marks)

    def allocate(self, name, word, rest=1, blocks=0):
        """Ask for memory; whether it was given."""
        request = request_of(self.work, name, word, rest, blocks)
        plan = self.books.plan(request)
        given = f"allocate({words_of(request)}) in a pool of {self.total}"
        expected = (
            f"a Grant of {plural(blocks_of(request), 'block')}" if plan else self.no_room(request)
        )
        try:
            grant = self.call(
                self.pool, "allocate", request, given=given, expected=expected, but=NoNodeAvailable
            )
        except NoNodeAvailable as refused:
            self.story.append((name, f"allocate {word or 'no full block'}: NoNodeAvailable"))
            if plan:
                self.refuse(f"{expected}: {self.room(plan)}", describe(refused))
            self.same_cache(given)
            return False
        self.grant(request, plan, grant, given)
        return True

    def no_room(self, request):
        free, wanted, others = self.books.room(request)
        words = f"it needs {wanted} more, {free} are free, {others} idle and not shared by it"
        return f"NoNodeAvailable: {words}"

    def room(self, plan):
        free = self.books.free_count()
        return f"{plan.cached} shared, {plan.wanted} to take, {free} free, the rest can be evicted"

    def free(self, name):
        """End a request."""
        given = f"free({name!r}) in a pool of {self.total}"
        self.call(self.pool, "free", name, given=given, expected="None")
        self.end(name, given)

    def end(self, name, given, what="free"):
        """A request has ended: the books, and what is cached now."""
        self.story.append((name, what))
        self.books.give(name)
        self.same_cache(given)

    def misuse(self, method, argument, name):
        """A call that has to be refused as InvalidInput, and to change nothing."""
        words = argument if isinstance(argument, str) else words_of(argument)
        given = f"{method}({words!r})" if isinstance(argument, str) else f"{method}({words})"
        try:
            got = self.call(
                self.pool, method, argument, given=given, expected="InvalidInput", but=InvalidInput
            )
        except InvalidInput:
            self.story.append((name, f"{method}: InvalidInput"))
            self.same_cache(given)
            return
        self.story.append((name, method))
        self.refuse("InvalidInput", show(got))

    # ------------------------------------------------------------- laws

    def grant(self, request, plan, grant, given, what="allocate"):
        """A request was given memory: is it the right memory, and is the rest as it was?"""
        before = dict(self.books.numbers)
        table = self.grant_alone(request, plan, grant, what)
        self.same_cache(given, plan, before)
        self.keeps_nothing(given, plan, before, table)

    def grant_alone(self, request, plan, grant, what):
        """Is it the right memory? Its blocks, and the books have it."""
        word = request.hashes[-1].decode() if request.hashes else "no full block"
        self.story.append((request.name, f"{what} {word}, {blocks_of(request)} blocks in all"))
        if plan is None:
            self.refuse(self.no_room(request), show(grant))
        table, cached = self.parts(grant, request)
        if cached != plan.cached:
            expected = f"cached={plan.cached}: {names(request.hashes[: plan.cached]) or 'none'}"
            self.refuse(expected, f"cached={show(cached)}", *request.hashes[: plan.cached])
        self.own_numbers(table, request)
        self.right_contents(table, request, plan)
        in_use = self.books.in_use()
        for number in table[plan.cached :]:
            if number in in_use:
                holders = ", ".join(self.books.holders(number))
                self.refuse("blocks that no request holds", f"block {number} of {holders}", number)
        self.story[-1] = (request.name, f"{self.story[-1][1]}: {show(table)}")
        self.books.take(request, plan, table)
        return table

    def keeps_nothing(self, given, plan, before, table):
        """No block that is given anew is the block of something that is still cached."""
        kept = {entry: number for entry, number in before.items() if entry not in plan.victims}
        twice = [entry for entry, number in kept.items() if number in table[plan.cached :]]
        if twice:
            expected = "new blocks that keep nothing that is cached"
            got = f"block {kept[twice[0]]}, which keeps {names(twice)}"
            bad(expected, got, given=given, picture=self.picture(*twice))

    def parts(self, grant, request):
        """The table and the count of a grant, when it has them."""
        table, cached = getattr(grant, "table", None), getattr(grant, "cached", None)
        is_table = isinstance(table, list) and all(type(number) is int for number in table)
        if not is_table or type(cached) is not int or getattr(grant, "name", None) != request.name:
            self.refuse(f"a Grant for {request.name}, its table a list of numbers", show(grant))
        numbers = list(table)
        if self.spoils:
            table.clear()
        return numbers, cached

    def own_numbers(self, table, request):
        if len(table) != blocks_of(request):
            self.refuse(plural(blocks_of(request), "block"), f"{len(table)}: {show(table)}")
        if strange := [number for number in table if not 0 <= number < self.total]:
            self.refuse(f"blocks from 0 to {self.total - 1}", f"block {strange[0]}")
        if len(set(table)) != len(table):
            self.refuse("each block once", show(table))

    def right_contents(self, table, request, plan):
        """Blocks that are shared hold what the request needs there."""
        for place in range(plan.cached):
            number, entry = table[place], request.hashes[place]
            if self.books.written.get(number) != entry:
                holds = self.books.written.get(number, "nothing")
                holds = holds.decode() if isinstance(holds, bytes) else f"what {holds} computed"
                right = self.books.numbers[entry]
                expected = f"block {right} in place {place}: it holds {names([entry])}"
                self.refuse(expected, f"block {number}: it holds {holds}", number, right)

    def same_cache(self, given, plan=None, before=()):
        """The pool says of every hash whether it is cached, as the books do."""
        last = checking.last_call()
        where = last.where if last else ""
        with raising_is_bad(self.work, f"`hash in pool` after {given}", "True or False"):
            found = {entry: entry in self.pool for entry in self.books.seen}
        for entry, is_there in found.items():
            if is_there != (entry in self.books.numbers):
                told = f"{entry!r} in pool, after {given}"
                expected, marks = self.reason(entry, plan, before)
                raise FirstBad(
                    told, expected, show(is_there), where=where, picture=self.picture(*marks)
                )

    def reason(self, entry, plan, before):
        """Why a hash has to be cached, or not to be."""
        if entry not in self.books.numbers:
            if plan and entry in plan.victims:
                return f"False: the {len(plan.victims)} to evict are {names(plan.victims)}", ()
            return "False: it was never cached, or is evicted", ()
        if entry not in self.books.idle:
            number = self.books.numbers[entry]
            holders = ", ".join(self.books.holders(number))
            return f"True: block {number} is in use by {holders}", (entry,)
        if plan and entry in before:
            what = f"only {names(plan.victims)}" if plan.victims else "nothing"
            return f"True: it is idle, and {what} had to be evicted", (entry,)
        return "True: it is idle, and was not evicted", (entry,)
