"""Flash images of the Pico: UF2 files read strictly and written, and the checks that the chip's boot ROM makes.

Format: the UF2 specification (512-byte blocks, each with its target address and family) and the RP2040 datasheet,
sections 2.8.1 (second stage and its checksum) and 2.8.4.2 (blocks of 256 bytes, family 0xe48bff56).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from .errors import ImageError

FLASH_START = 0x10000000
FLASH_BYTES = 2 * 1024 * 1024
FAMILY_RP2040 = 0xE48BFF56

_BLOCK_BYTES = 512
_PAYLOAD_BYTES = 256
_SECTOR_BYTES = 4096
_ERASED = b"\xff"
_HEADER = struct.Struct("<8I")
_MAGIC_1 = 0x0A324655
_MAGIC_2 = 0x9E5D5157
_MAGIC_END = 0x0AB16F30
_NOT_FOR_FLASH = 0x00000001
_FILE_CONTAINER = 0x00001000
_FAMILY_PRESENT = 0x00002000
_OTHER_FAMILIES = {
    0xE48BFF57: "absolute (RP2350 work-around)",
    0xE48BFF58: "RP2XXX data",
    0xE48BFF59: "RP2350 (Arm)",
    0xE48BFF5A: "RP2350 (RISC-V)",
    0xE48BFF5B: "RP2350 (Arm, non-secure)",
    0xBFDD4EEE: "ESP32-S2",
    0xC47E5767: "ESP32-S3",
    0x1C5F21B0: "ESP32",
    0x68ED2B88: "SAMD21",
    0x55114460: "SAMD51",
    0xADA52840: "nRF52840",
}
_SECOND_STAGE_BYTES = 256
_RAM = range(0x20000000, 0x20042001)
_CRC_POLYNOMIAL = 0x04C11DB7


@dataclass(frozen=True)
class _Block:
    number: int
    total: int
    address: int
    payload: bytes


def uf2_to_bin(contents: bytes) -> bytes:
    """Return the flash contents from address 0x10000000 on that a UF2 file for the RP2040 holds.

    Bytes that no block gives are 0xFF, as erased flash is. Blocks marked as not for flash are passed over. ImageError,
    saying which block and what is wrong, when it is not UF2, for another chip, incomplete, contradictory or outside the
    Pico's 2 MiB of flash.
    """
    if len(contents) < _BLOCK_BYTES or _HEADER.unpack_from(contents)[:2] != (_MAGIC_1, _MAGIC_2):
        raise ImageError("This is not a UF2 file: it does not begin with UF2's magic numbers.")
    if len(contents) % _BLOCK_BYTES:
        whole = len(contents) // _BLOCK_BYTES
        raise ImageError(
            f"The UF2 file is cut off: it ends {len(contents) % _BLOCK_BYTES} bytes into block {whole}; "
            f"every block has {_BLOCK_BYTES}."
        )
    places = range(len(contents) // _BLOCK_BYTES)
    read = (_read_block(contents[place * _BLOCK_BYTES : (place + 1) * _BLOCK_BYTES], place) for place in places)
    blocks = [block for block in read if block is not None]
    if not blocks:
        raise ImageError("The UF2 file has no block for flash.")
    _check_numbers(blocks)
    return _assemble(blocks)


def _read_block(raw: bytes, place: int) -> _Block | None:
    magic_1, magic_2, flags, address, size, number, total, family = _HEADER.unpack_from(raw)
    (magic_end,) = struct.unpack_from("<I", raw, _BLOCK_BYTES - 4)
    if (magic_1, magic_2, magic_end) != (_MAGIC_1, _MAGIC_2, _MAGIC_END):
        raise ImageError(f"The UF2 file is damaged: block {place} does not have UF2's magic numbers.")
    if flags & _NOT_FOR_FLASH:
        return None
    if flags & _FILE_CONTAINER:
        raise ImageError(f"Block {place} of the UF2 file holds a part of a file, not of flash.")
    if not flags & _FAMILY_PRESENT or family != FAMILY_RP2040:
        name = _OTHER_FAMILIES.get(family, "unknown") if flags & _FAMILY_PRESENT else "none given"
        raise ImageError(
            f"The UF2 file is for another chip: block {place} has family 0x{family:08x} ({name}), "
            f"the Pico's RP2040 has 0x{FAMILY_RP2040:08x}. Take the UF2 for board RPI_PICO."
        )
    if size != _PAYLOAD_BYTES:
        raise ImageError(f"Block {place} of the UF2 file has {size} bytes; the RP2040 takes {_PAYLOAD_BYTES} only.")
    end = FLASH_START + FLASH_BYTES
    if address % _PAYLOAD_BYTES or not FLASH_START <= address < end:
        raise ImageError(
            f"Block {place} of the UF2 file is for address 0x{address:08x}; "
            f"allowed are multiples of {_PAYLOAD_BYTES} from 0x{FLASH_START:08x} to 0x{end:08x}."
        )
    return _Block(number, total, address, raw[_HEADER.size : _HEADER.size + size])


def _check_numbers(blocks: list[_Block]) -> None:
    totals = {block.total for block in blocks}
    if len(totals) != 1:
        raise ImageError(f"The UF2 file is damaged: its blocks give different totals, {sorted(totals)[:4]}.")
    total = totals.pop()
    numbers = {block.number for block in blocks}
    if len(numbers) != len(blocks) or len({block.address for block in blocks}) != len(blocks):
        raise ImageError("The UF2 file is damaged: it has two blocks with one number or for one address.")
    missing = next((number for number in range(total) if number not in numbers), None)
    if missing is not None:
        raise ImageError(
            f"The UF2 file is incomplete: it has {len(blocks)} of {total} blocks, block {missing} is missing."
        )
    if len(blocks) != total:
        raise ImageError(f"The UF2 file is damaged: it says {total} blocks and has {len(blocks)}.")


def _assemble(blocks: list[_Block]) -> bytes:
    length = max(block.address for block in blocks) + _PAYLOAD_BYTES - FLASH_START
    flash = bytearray(_ERASED * length)
    for block in blocks:
        offset = block.address - FLASH_START
        flash[offset : offset + _PAYLOAD_BYTES] = block.payload
    return bytes(flash)


def bin_to_uf2(image: bytes) -> bytes:
    """Return ``image`` (flash contents from address 0x10000000 on) as a UF2 file for the RP2040.

    Filled up with 0xFF to whole sectors of 4096 bytes: the boot ROM erases whole sectors, and a sector of which a
    file gives only a part may be erased after a page of it was written (RP2040 datasheet, erratum E14). ImageError when
    empty or larger than the Pico's flash.
    """
    if not 0 < len(image) <= FLASH_BYTES:
        raise ImageError(f"An image of {len(image)} bytes does not fit: allowed are 1 to {FLASH_BYTES} bytes.")
    filled = image.ljust(-(-len(image) // _SECTOR_BYTES) * _SECTOR_BYTES, _ERASED)
    total = len(filled) // _PAYLOAD_BYTES
    return b"".join(_write_block(filled, number, total) for number in range(total))


def _write_block(filled: bytes, number: int, total: int) -> bytes:
    offset = number * _PAYLOAD_BYTES
    header = _HEADER.pack(
        _MAGIC_1, _MAGIC_2, _FAMILY_PRESENT, FLASH_START + offset, _PAYLOAD_BYTES, number, total, FAMILY_RP2040
    )
    body = header + filled[offset : offset + _PAYLOAD_BYTES]
    return body.ljust(_BLOCK_BYTES - 4, b"\0") + struct.pack("<I", _MAGIC_END)


def check_bootable(image: bytes) -> None:
    """ImageError unless the RP2040's boot ROM would start ``image`` (flash contents from address 0x10000000 on).

    Checks the size, the second stage's checksum, and that the vectors behind it point into RAM and flash.
    """
    if len(image) > FLASH_BYTES:
        raise ImageError(f"The image has {len(image)} bytes; the Pico's flash has {FLASH_BYTES}.")
    if len(image) < _SECOND_STAGE_BYTES + 8:
        raise ImageError(f"The image has only {len(image)} bytes: too short to start.")
    (stored,) = struct.unpack_from("<I", image, _SECOND_STAGE_BYTES - 4)
    computed = _crc32(image[: _SECOND_STAGE_BYTES - 4])
    if stored != computed:
        raise ImageError(
            f"This is not a flash image of an RP2040: its second stage (first 256 bytes) has checksum 0x{stored:08x}, "
            f"the boot ROM would want 0x{computed:08x}."
        )
    stack, start = struct.unpack_from("<2I", image, _SECOND_STAGE_BYTES)
    if stack not in _RAM or not FLASH_START <= start < FLASH_START + len(image):
        raise ImageError(
            f"This is not a flash image of an RP2040: its vectors (stack 0x{stack:08x}, start 0x{start:08x}) "
            "do not point into RAM and flash."
        )


def _crc32(data: bytes) -> int:
    """Return the boot ROM's CRC-32 (polynomial 0x04c11db7, begun with all ones, neither reflected nor inverted)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (_CRC_POLYNOMIAL if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def micropython_version(image: bytes) -> tuple[int, int, int]:
    """Return the version of the MicroPython for the RP2040 that ``image`` holds; ImageError when it holds none."""
    found = re.search(rb"MicroPython v(\d+)\.(\d+)\.(\d+)", image)
    if found is None or b" with RP2040\0" not in image:
        raise ImageError("The image holds no MicroPython for the RP2040 (its banner was not found).")
    return int(found[1]), int(found[2]), int(found[3])
