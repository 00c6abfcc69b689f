"""Images for the tests: small ones that an RP2040 would start, made without the code under test."""

from __future__ import annotations

import binascii
import struct


def _reversed_bits(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def boot_checksum(second_stage: bytes) -> int:
    """The boot ROM's CRC-32, by way of the standard library's, which is reflected and inverted."""
    mirrored = bytes(_reversed_bits(byte, 8) for byte in second_stage)
    return _reversed_bits(binascii.crc32(mirrored) ^ 0xFFFFFFFF, 32)


def micropython_image(version: str = "1.25.0", length: int = 9000) -> bytes:
    """A flash image that passes every check: second stage, vectors and MicroPython's banner, otherwise a pattern."""
    second_stage = bytes(range(252))
    image = second_stage + struct.pack("<I", boot_checksum(second_stage))
    image += struct.pack("<2I", 0x20042000, 0x10000101)
    image += f"3.4.0; MicroPython v{version} on 2025-04-15\0; Raspberry Pi Pico with RP2040\0".encode()
    return image + bytes(index * 7 % 256 for index in range(length - len(image)))


def block(
    payload: bytes = bytes(256),
    *,
    address: int = 0x10000000,
    number: int = 0,
    total: int = 1,
    family: int = 0xE48BFF56,
    flags: int = 0x2000,
    size: int = 256,
    magic_end: int = 0x0AB16F30,
) -> bytes:
    """One UF2 block, with any field as the test wants it."""
    header = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, size, number, total, family)
    return (header + payload).ljust(508, b"\0") + struct.pack("<I", magic_end)
