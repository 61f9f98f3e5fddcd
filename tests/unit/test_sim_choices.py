"""Draws of the simulator: the values that every platform and version of Python must give."""

from __future__ import annotations

import math
from hashlib import blake2b

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import ROW, Choices, natural_log, unit


def test_the_draws_of_seed_7_are_these_everywhere() -> None:
    stream = Choices(7).stream("link", 1, 2)
    assert [stream.bits() for _ in range(3)] == [
        1488096801418996410,
        934068735307693686,
        15956425480532587432,
    ]
    assert [stream.number(1, 6) for _ in range(10)] == [4, 2, 3, 4, 4, 3, 6, 5, 1, 5]
    assert [stream.uniform().hex() for _ in range(2)] == [
        "0x1.d816fe898454cp-1",
        "0x1.24e38591e4375p-1",
    ]
    assert [stream.exponential(2.0).hex() for _ in range(4)] == [
        "0x1.6e71e84563c6fp-5",
        "0x1.272edcce51884p-3",
        "0x1.6e10a204eb799p+0",
        "0x1.c9f7601762914p+0",
    ]
    assert "".join(stream.shuffled("abcdef")) == "beafcd"
    assert stream.sample(range(10), 4) == [1, 4, 5, 9]
    assert stream.between(-1, 1).hex() == "0x1.8b530d51d6e1cp-1"
    assert stream.counter == 3 + 10 + 2 + 4 + 5 + 10 + 1
    assert stream.pick("xyz") == "x"
    assert Choices(-1).stream("link", 1, 2).bits() == 3425713568725180799


def test_a_row_is_the_hash_of_seed_name_and_number() -> None:
    prefix = blake2b(b"i1:7s4:linki1:1i1:2", digest_size=24, person=b"veristack choice").digest()
    digest = blake2b(prefix + (5).to_bytes(8, "little")).digest()
    words = tuple(int.from_bytes(digest[at : at + 8], "little") for at in range(0, 64, 8))
    stream = Choices(7).stream("link", 1, 2)
    assert stream.row(5) == words
    assert stream.counter == 0
    stream.counter = 5 * ROW
    assert tuple(stream.bits() for _ in range(ROW)) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", 1), ("a1",)), (("a", "1"), ("a", 1)), (("ab", "c"), ("a", "bc")), ((), ("",))],
)
def test_names_that_look_alike_are_different_streams(
    one: tuple[str | int, ...], other: tuple[str | int, ...]
) -> None:
    choices = Choices(0)
    assert choices.stream(*one).bits() != choices.stream(*other).bits()


def test_a_stream_that_is_asked_for_again_goes_on() -> None:
    choices = Choices(3)
    first, second = choices.stream("a").bits(), choices.stream("a").bits()
    stream = Choices(3).stream("a")
    assert [first, second] == [stream.bits(), stream.bits()]
    assert first != second


def test_the_logarithm_is_that_of_the_c_library_to_its_last_bits() -> None:
    values = [unit(word) for word in Choices(1).stream("values").row(0)] + [1.0, 2.0**-53, 0.5, 3e9]
    for value in values:
        assert natural_log(value) == pytest.approx(math.log(value), rel=4e-16, abs=4e-16)


def test_waiting_times_have_their_mean_and_chances_their_probability() -> None:
    stream = Choices(11).stream("many")
    draws = 20_000
    assert sum(stream.exponential(3.0) for _ in range(draws)) / draws == pytest.approx(3, rel=0.03)
    assert sum(stream.chance(0.1) for _ in range(draws)) / draws == pytest.approx(0.1, rel=0.1)
    faces = [stream.number(1, 6) for _ in range(draws)]
    for face in range(1, 7):
        assert faces.count(face) / draws == pytest.approx(1 / 6, rel=0.1)


def test_what_cannot_be_drawn_is_refused() -> None:
    stream = Choices(0).stream("refused")
    for wrong in (
        lambda: stream.number(2, 1),
        lambda: stream.between(2.0, 1.0),
        lambda: stream.between(0.0, math.inf),
        lambda: stream.between(math.nan, 1.0),
        lambda: stream.pick([]),
        lambda: stream.sample("ab", 3),
        lambda: stream.exponential(-1.0),
        lambda: stream.exponential(math.inf),
    ):
        with pytest.raises(InvalidInput):
            wrong()
    assert stream.counter == 0
    assert stream.between(5.0, 5.0) == 5.0
    assert stream.number(4, 4) == 4
    assert not stream.chance(0.0)
    assert stream.chance(1.0)
