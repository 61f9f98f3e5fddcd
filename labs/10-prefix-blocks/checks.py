"""The checks of lab 10: tasks 1 and 2. Tasks 3 to 5 are in holding, evicting and admitting.

Laws are checked, not lists of calls, and any data structure will do. Tasks 3 to 5 keep the books of
a pool beside the learner's (`watched.py`), in stories first and then in histories from a seed.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys

from veristack_lab.labs import checking
from veristack_lab.labs.checking import FirstBad, bad, call, check, raising_is_bad, show

from . import admitting as admitting  # registers the checks of task 5
from . import evicting as evicting  # of task 4
from . import holding as holding  # and of task 3
from .oracle import BLOCK, hashes_of

TENANT = ("llama", "tenant-1")
MIN_HASH_BYTES = 16
LONG_PROMPT = 400_000
LARGEST = (1 << 32) - 1
WEIGHTS = (31, 33, 37, 131, 257, 1_009, 65_599, 1_000_003)
"""By which polynomial hashes multiply."""

# ------------------------------------------------------------------- task 1


def hashed(work, tokens, model=TENANT[0], salt=TENANT[1], given=""):
    """The learner's hashes of a prompt: a list of bytes, one for each full block."""
    tokens, untouched = list(tokens), list(tokens)
    given = given or f"block_hashes({model!r}, {salt!r}, {show_tokens(tokens)})"
    full = len(tokens) // BLOCK
    got = call(
        work, "block_hashes", model, salt, tokens,
        given=given, expected=f"{full} hashes", shape=[bytes],
    )  # fmt: skip
    if len(got) != full:
        bad(f"{full} hashes: blocks of {BLOCK} tokens, full ones only", f"{len(got)} hashes")
    if tokens != untouched:
        bad("the caller's tokens as they were", show_tokens(tokens))
    return got


def show_tokens(tokens):
    """Tokens as a learner reads them: as numbers, and not in hex."""
    text = str(list(tokens[:24]))
    return text if len(tokens) <= 24 else f"{text[:-1]}, ...] ({len(tokens):,} tokens)"


def other_blocks(work, tokens, changed, words):
    """Two prompts share their hashes up to the first block that differs, and none after it."""
    one, two = hashed(work, tokens), hashed(work, changed)
    pairs = list(itertools.zip_longest(*(split(text) for text in (tokens, changed))))
    first = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
    for number in range(min(len(one), len(two))):
        if number < first and one[number] != two[number]:
            bad(
                f"hash {number} as for {show_tokens(tokens)}: the blocks up to there are the same",
                "another hash",
            )
        if number >= first and one[number] == two[number]:
            bad(f"hash {number} unlike that for {show_tokens(tokens)}: {words}", "the same hash")


def split(tokens):
    """The full blocks of a prompt."""
    return [tuple(tokens[at : at + BLOCK]) for at in range(0, len(tokens) - BLOCK + 1, BLOCK)]


@check("1", "one hash for each full block, none for the rest")
def full_only(work):
    for size in range(4 * BLOCK):
        hashed(work, range(100, 100 + size))


@check("1", "at least 16 bytes each, so that no two of billions of blocks meet")
def long_enough(work):
    for found in hashed(work, range(3 * BLOCK)):
        if len(found) < MIN_HASH_BYTES:
            bad(f"hashes of at least {MIN_HASH_BYTES} bytes", f"{show(found)}, {len(found)} bytes")


@check("1", "what follows changes nothing: two prompts agree as far as their blocks do")
def agree(work):
    tokens = list(range(1, 6 * BLOCK))
    for size in range(len(tokens)):
        other_blocks(work, tokens, tokens[:size], "")
        other_blocks(work, tokens[:size], [*tokens[:size], *[9] * BLOCK], "")


@check("1", "a hash names everything before it: one other token, and all later hashes differ")
def everything_before(work):
    tokens = list(range(1, 5 * BLOCK + 1))
    for at in range(len(tokens)):
        for new in (0, tokens[at] + 1, tokens[at] + 256, LARGEST):
            changed = [*tokens[:at], new, *tokens[at + 1 :]]
            other_blocks(work, tokens, changed, f"token {at} before it differs")
    a, b, c = ([n] * BLOCK for n in (1, 2, 3))
    for one, two in (
        (a + b + c, b + a + c), (a + b + c, c + b + a), (a + a + c, b + b + c),
        (a + a + a, a + a + b), (a + b + b, b + b + b), (a + b + a + b, b + a + b + a),
    ):  # fmt: skip
        other_blocks(work, one, two, "the blocks before it differ")
    if len(set(hashed(work, a * 6))) != 6:
        bad("six hashes: the same block six times, each after another text", "the same hash twice")


@check("1", "tokens are not mixed up, however they are written down")
def not_mixed_up(work):
    groups = [
        [[1, 23, 4, 5], [12, 3, 4, 5], [1, 2, 34, 5], [1, 2, 3, 45], [1, 234, 5, 0], [0, 1, 2, 9]],
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [256, 0, 0, 0], [0, 256, 0, 0]],
        [[n, n, n, n] for n in (0, 1, 127, 128, 255, 256, 257, 65_535, 65_536, 65_537)],
        [[n, 0, 0, 7] for n in (1 << 24, 1 << 31, (1 << 31) - 1, LARGEST, LARGEST - 1)],
        [list(order) for order in itertools.permutations((5, 6, 7, 8))],
        [[1, 1, 1, 1], [0, 2, 1, 1], [2, 0, 1, 1], [1, 1, 0, 2], [3, 3, 3, 3], [2, 2, 2, 2]],
        # Sums with weights, as of a polynomial hash.
        [[1000 * w + n * w, 5_000 - n, 7, 7] for w in WEIGHTS for n in range(4)],
        [[5_000 + n, 1000 * w - n * w, 7, 7] for w in WEIGHTS for n in range(4)],
    ]  # fmt: skip
    for group in groups:
        seen = {}
        for tokens in group:
            (found,) = hashed(work, tokens)
            if found in seen:
                bad("another hash", f"the hash of {show_tokens(seen[found])}, too")
            seen[found] = tokens


@check("1", "two models share nothing, and neither do two tenants")
def identities(work):
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("b", "a"), ("a", ""), ("", "a"), ("", "")]
    pairs += [("A", "b"), ("a", "B"), ("a ", "b"), ("a", " b"), ("a", "b "), ("ä", "b")]
    pairs += [("a\u0308", "b"), ("a" * 300, "b"), ("a" * 299, "ab"), ("a" * 44, "a" * 256 + "b")]
    pairs += [("None", ""), ("a", "None"), ("a", "a"), ("b", "b"), ("0", "1"), ("01", "")]
    pairs += [("a'", "b"), ("a", "'b"), ("a', 'b", ""), ("a", "', 'b"), ("a1", "b"), ("a", "b1")]
    for sign in "/:|,;-_.#=&+\0\n\t\x1f \\\"'":
        pairs += [(f"a{sign}b", "c"), ("a", f"b{sign}c"), (f"a{sign}", "b"), ("a", f"{sign}b")]
    seen = {}
    for tokens in ([1, 2, 3, 4, 5, 6, 7, 8], [11, 2, 3, 4, 5, 6, 7, 8]):
        for model, salt in dict.fromkeys(pairs):
            for number, found in enumerate(hashed(work, tokens, model, salt)):
                this = f"hash {number} of {show_tokens(tokens)} for model {model!r}, salt {salt!r}"
                if found in seen:
                    bad(f"another hash {number} than every other model and salt", f"{seen[found]}")
                seen[found] = this


ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("learners_work", sys.argv[2])
work = module_from_spec(spec)
sys.modules["learners_work"] = work
spec.loader.exec_module(work)
found = work.block_hashes(*json.loads(sys.argv[3]))
print("\\n" + json.dumps([one.hex() for one in found]))
"""


@check("1", "the same in every process: engines and routers compare these hashes")
def every_process(work):
    tokens = [7, 0, 1, LARGEST, 5, 6, 7, 8]
    here = hashed(work, tokens)
    folder = os.path.dirname(work.__file__)  # noqa: PTH120 -- a plain text for the command
    for seed in ("0", "1"):
        argv = [sys.executable, "-P", "-c", ELSEWHERE, folder, work.__file__]
        argv.append(json.dumps([*TENANT, tokens]))
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        given = f"block_hashes{(*TENANT, tokens)} in another process"
        last = done.stdout.splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
        if last != json.dumps([one.hex() for one in here]):
            where = getattr(checking.last_call(), "where", "")
            raise FirstBad(given, f"as in this one: {here[0].hex()}", last[:200], where=where)
        again = hashed(work, tokens)
        if again != here:
            bad("the same as before", show(again[0]))


@check("1", "a long prompt is read once, not once for each block, and no two hashes are equal")
def long_prompt(work):
    tokens = random.Random(5).choices(range(1 << 17), k=LONG_PROMPT)
    given = f"block_hashes{TENANT} of {LONG_PROMPT:,} tokens"
    expected = f"{LONG_PROMPT // BLOCK:,} different hashes"
    with raising_is_bad(work, given, expected):
        found = work.block_hashes(*TENANT, tokens)
    if len(set(found)) != LONG_PROMPT // BLOCK:
        bad(expected, f"{len(found):,} hashes, {len(set(found)):,} different ones")


# ------------------------------------------------------------------- task 2


class Cached:
    """Hashes that are cached. `in` is all that may be asked."""

    def __init__(self, entries):
        self.entries = frozenset(entries)

    def __contains__(self, entry):
        return entry in self.entries

    def __repr__(self):
        return f"cached {sorted(self.entries)}"


def looked_up(work, word, rest, cached, expected, why):
    """`longest` gives this number for a prompt of these blocks and `rest` tokens more."""
    tokens = BLOCK * len(word) + rest
    request = work.Request("r", hashes_of(word), tokens)
    words = f"{expected}: {why}"
    given = f"longest({tokens} tokens of {list(request.hashes)}, {cached!r})"
    got = call(work, "longest", request, cached, given=given, expected=words, shape=int)
    if got != expected:
        bad(words, show(got))


@check("2", "the blocks before the first that is missing; none behind it counts")
def to_first_gap(work):
    word = "ABCDE"
    for picks in itertools.product((False, True), repeat=len(word)):
        chosen = [entry for entry, pick in zip(hashes_of(word), picks, strict=True) if pick]
        cached = Cached([*chosen, b"X", b"XB", b"B"])
        first = next((n for n, pick in enumerate(picks) if not pick), len(word))
        for rest in range(1, BLOCK):
            looked_up(work, word, rest, cached, first, f"block {first} is the first not cached")


@check("2", "at least one token of the prompt stays to be computed")
def one_stays(work):
    for size in range(1, 6):
        word = "ABCDE"[:size]
        cached = Cached(hashes_of("ABCDEF"))
        looked_up(work, word, 0, cached, size - 1, "its last block holds the last token")
        for rest in range(1, BLOCK):
            looked_up(work, word, rest, cached, size, f"{rest} tokens are in no full block")
        for first in range(size):
            some = Cached(hashes_of(word[:first]))
            looked_up(work, word, 0, some, first, f"block {first} is the first not cached")


@check("2", "a prompt without a full block, and a cache without a block")
def nothing(work):
    for rest in range(1, BLOCK):
        looked_up(work, "", rest, Cached([b"", b"A"]), 0, "it has no full block")
    for rest in range(BLOCK):
        looked_up(work, "ABC", rest, Cached([]), 0, "nothing is cached")
    looked_up(work, "A" * 50, 0, Cached(hashes_of("A" * 50)), 49, "one token stays")
