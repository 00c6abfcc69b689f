"""A UF2 file is read to the byte or refused with the reason; a .bin becomes a UF2 that a real Pico takes."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_harness import block, boot_checksum, micropython_image
from tandem_tools.image import ImageError, bin_to_uf2, check_bootable
from tandem_tools.image.uf2 import FLASH_BYTES, micropython_version, uf2_to_bin


@given(st.binary(min_size=1, max_size=20_000))
@settings(max_examples=50)
def test_an_image_comes_back_from_its_uf2_followed_only_by_erased_bytes(image: bytes) -> None:
    back = uf2_to_bin(bin_to_uf2(image))
    assert back[: len(image)] == image
    assert set(back[len(image) :]) <= {0xFF}
    assert len(back) - len(image) < 4096


@given(st.binary(min_size=1, max_size=20_000))
@settings(max_examples=20)
def test_a_uf2_gives_every_flash_sector_whole_as_the_boot_rom_needs_it(image: bytes) -> None:
    assert len(bin_to_uf2(image)) % (4096 // 256 * 512) == 0


@given(st.binary(min_size=257, max_size=20_000), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_blocks_may_come_in_any_order(image: bytes, shuffle: random.Random) -> None:
    uf2 = bin_to_uf2(image)
    blocks = [uf2[start : start + 512] for start in range(0, len(uf2), 512)]
    shuffle.shuffle(blocks)
    assert uf2_to_bin(b"".join(blocks)) == uf2_to_bin(uf2)


@given(st.binary(min_size=1, max_size=2000), st.data())
@settings(max_examples=100)
def test_a_uf2_cut_off_anywhere_is_refused(image: bytes, data: st.DataObject) -> None:
    uf2 = bin_to_uf2(image)
    with pytest.raises(ImageError):
        uf2_to_bin(uf2[: data.draw(st.integers(0, len(uf2) - 1))])


def test_gaps_between_blocks_are_erased_bytes() -> None:
    uf2 = block(b"a" * 256, number=0, total=2) + block(b"b" * 256, address=0x10000300, number=1, total=2)
    assert uf2_to_bin(uf2) == b"a" * 256 + b"\xff" * 512 + b"b" * 256


def test_a_first_block_above_the_start_of_flash_leaves_erased_bytes_before_it() -> None:
    assert uf2_to_bin(block(b"b" * 256, address=0x10000100)) == b"\xff" * 256 + b"b" * 256


def test_blocks_marked_as_not_for_flash_are_passed_over() -> None:
    remark = block(b"x" * 256, flags=0x2001, family=0)
    assert uf2_to_bin(remark + block(b"a" * 256) + remark) == b"a" * 256


@pytest.mark.parametrize(
    ("uf2", "said"),
    [
        (b"", "not a UF2 file"),
        (b"\x7fELF" + bytes(600), "not a UF2 file"),
        (block() + b"more", "cut off: it ends 4 bytes into block 1"),
        (block(number=0, total=2) + block(number=1, total=2, magic_end=0), "block 1 does not have UF2's magic"),
        (block(family=0xE48BFF59), "0xe48bff59 (RP2350 (Arm)).*RPI_PICO"),
        (block(family=0x12345678), "0x12345678 (unknown)"),
        (block(flags=0, family=0), "none given"),
        (block(flags=0x3000), "part of a file"),
        (block(size=476), "476 bytes; the RP2040 takes 256"),
        (block(address=0x10000080), "0x10000080; allowed are multiples of 256"),
        (block(address=0x20000000), "0x20000000; allowed .* from 0x10000000 to 0x10200000"),
        (block(address=0x10200000), "0x10200000; allowed"),
        (block(number=0, total=3) + block(number=2, total=3, address=0x10000100), "2 of 3 blocks, block 1 is missing"),
        (block(number=0, total=2) + block(number=1, total=3, address=0x10000100), "different totals"),
        (block(number=0, total=2) + block(number=0, total=2, address=0x10000100), "two blocks with one number"),
        (block(number=0, total=2) + block(number=1, total=2), "one address"),
        (block(number=0, total=1) + block(number=1, total=1, address=0x10000100), "says 1 blocks and has 2"),
        (block(flags=0x2001), "no block for flash"),
    ],
)
def test_a_wrong_uf2_is_refused_and_the_reason_given(uf2: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said.replace("(", r"\(").replace(")", r"\)")):
        uf2_to_bin(uf2)


@pytest.mark.parametrize("length", [0, FLASH_BYTES + 1])
def test_an_image_that_does_not_fit_the_flash_is_refused(length: int) -> None:
    with pytest.raises(ImageError, match=f"{length} bytes does not fit: allowed are 1 to 2097152"):
        bin_to_uf2(bytes(length))


def test_the_largest_image_fits() -> None:
    assert len(uf2_to_bin(bin_to_uf2(bytes(FLASH_BYTES)))) == FLASH_BYTES


def test_an_image_that_the_boot_rom_would_start_is_accepted() -> None:
    check_bootable(micropython_image())


@given(st.integers(0, 255), st.integers(1, 255))
@settings(max_examples=50)
def test_a_second_stage_changed_in_any_byte_is_refused(place: int, change: int) -> None:
    image = bytearray(micropython_image())
    image[place] ^= change
    with pytest.raises(ImageError, match="second stage"):
        check_bootable(bytes(image))


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (bytes.fromhex("00000000 01010010"), "stack 0x00000000"),
        (bytes.fromhex("00200420 00000020"), "start 0x20000000"),
    ],
)
def test_vectors_that_point_elsewhere_are_refused(vectors: bytes, said: str) -> None:
    image = micropython_image()
    with pytest.raises(ImageError, match=said):
        check_bootable(image[:256] + vectors + image[264:])


def test_an_image_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ImageError, match="too short"):
        check_bootable(micropython_image()[:200])
    with pytest.raises(ImageError, match="2097153 bytes; the Pico's flash has 2097152"):
        check_bootable(micropython_image().ljust(FLASH_BYTES + 1, b"\xff"))


def test_the_checksum_used_here_is_the_known_one() -> None:
    assert boot_checksum(b"123456789") == 0x0376E6E7


def test_the_version_of_micropython_is_read_from_the_image() -> None:
    assert micropython_version(micropython_image("1.26.1")) == (1, 26, 1)


@pytest.mark.parametrize("banner", [rb"MicroPython v", rb"with RP2040"])
def test_an_image_without_micropython_for_this_chip_is_refused(banner: bytes) -> None:
    with pytest.raises(ImageError, match="no MicroPython for the RP2040"):
        micropython_version(re.sub(banner, b"x" * len(banner), micropython_image()))
