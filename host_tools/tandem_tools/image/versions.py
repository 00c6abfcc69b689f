"""What the image and the unix interpreter are made from: Debian packages, their versions and the hash of every file.

To move to other versions: change the entries here, build, put the new hashes in, and write the new facts into
docs/image.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

MICROPYTHON_VERSION = (1, 25, 0)
MICROPYTHON_TAG = "v1.25.0"
# The day of the release, as official images show it. A fixed date makes two builds the same to the byte.
MICROPYTHON_DATE_EPOCH_S = 1744675200
BOARD = "RPI_PICO"

# What the image comes out as with the compiler that is unpacked here: the same to the byte on every machine.
IMAGE_SHA256 = "ff71d4e123ef78dbbcd670ddeb8256671749edb64d15744832e601eaa5219440"

# A part of every cache key: raise it when the steps of the build change what comes out of it.
RECIPE = 1


@dataclass(frozen=True)
class File:
    """One file as the package archive names it; ``size`` in bytes, ``sha256`` in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """One Debian package at one version.

    ``suite`` is the Debian release that carries it; ``source`` tells a source package from a binary one.
    """

    name: str
    version: str
    suite: str
    source: bool
    files: tuple[File, ...]

    @cached_property
    def main_file(self) -> File:
        """Return the file that holds the contents: the upstream archive of a source package, or the .deb."""
        return next(f for f in self.files if ".orig.tar." in f.name or f.name.endswith(".deb"))


MICROPYTHON = Package(
    name="micropython",
    version="1.25.0+ds-1",
    suite="trixie",
    source=True,
    files=(
        File(
            "micropython_1.25.0+ds-1.dsc",
            2116,
            "8c7c406be88a6f3bc19e694eb0bbc5841112243fdf2b5a296e000d8fdc5f3c34",
        ),
        File(
            "micropython_1.25.0+ds.orig.tar.xz",
            5983992,
            "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
        ),
        File(
            "micropython_1.25.0+ds-1.debian.tar.xz",
            15664,
            "87cd89f7900c86b963885dabe25acf3e5348815993f1500278ad8f6464465af4",
        ),
    ),
)
MBEDTLS = Package(
    name="mbedtls",
    version="3.6.6-0.1~deb13u1",
    suite="trixie",
    source=True,
    files=(
        File(
            "mbedtls_3.6.6-0.1~deb13u1.dsc",
            2490,
            "eb9ed1adbbddcb0d00276fac6fcee0056c64ce01481c2522a16dca75792eb5eb",
        ),
        File(
            "mbedtls_3.6.6.orig.tar.bz2",
            5508045,
            "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a",
        ),
        File(
            "mbedtls_3.6.6-0.1~deb13u1.debian.tar.xz",
            19084,
            "210466c522eeebc85cf2f76bd5aef935b4ebac465559cc0a84f9e73a8ed6601c",
        ),
    ),
)
PICO_SDK = Package(
    name="pico-sdk-source",
    version="2.1.1-1",
    suite="trixie",
    source=False,
    files=(
        File(
            "pico-sdk-source_2.1.1-1_all.deb",
            2383548,
            "507a3ca37636641bc90239d7c04dc9dc28c5008087a8162102ea94d2273153d3",
        ),
    ),
)
TINYUSB = Package(
    name="tinyusb-source",
    version="0.18.0+dfsg-1",
    suite="trixie",
    source=False,
    files=(
        File(
            "tinyusb-source_0.18.0+dfsg-1_all.deb",
            1320704,
            "01ce2c645df68f14a8a7dcfc8fb355713152543757955820479a87949a61154e",
        ),
    ),
)
SOURCES = (MICROPYTHON, MBEDTLS, PICO_SDK, TINYUSB)

# Debian 12's compiler runs on Debian 12 and on everything newer; the one of Debian 13 needs a newer C library.
COMPILER = Package(
    name="gcc-arm-none-eabi",
    version="15:12.2.rel1-1",
    suite="bookworm",
    source=False,
    files=(
        File(
            "gcc-arm-none-eabi_15%3a12.2.rel1-1_amd64.deb",
            48544984,
            "2bbd4f4145e9a3669f58ddab6a3190b768949f07cc444d23e98743d905f83e16",
        ),
    ),
)
BINUTILS = Package(
    name="binutils-arm-none-eabi",
    version="2.40-2+18+b1",
    suite="bookworm",
    source=False,
    files=(
        File(
            "binutils-arm-none-eabi_2.40-2+18+b1_amd64.deb",
            2851564,
            "c8f9da2a434366bfe5a66a8267cb3b1df028f1d95278715050c222b43e1c221c",
        ),
    ),
)
NEWLIB = Package(
    name="libnewlib-arm-none-eabi",
    version="3.3.0-1.3+deb12u1",
    suite="bookworm",
    source=False,
    files=(
        File(
            "libnewlib-arm-none-eabi_3.3.0-1.3+deb12u1_all.deb",
            45381176,
            "c80278e8332940eaf9738910258bb85b21c30aacf246a5e363fee230d3605e84",
        ),
    ),
)
NEWLIB_HEADERS = Package(
    name="libnewlib-dev",
    version="3.3.0-1.3+deb12u1",
    suite="bookworm",
    source=False,
    files=(
        File(
            "libnewlib-dev_3.3.0-1.3+deb12u1_all.deb",
            257212,
            "ab5e6e80d66a6f2f8b9b22b9297154a676a5434ac82e48b88e8164548bc72115",
        ),
    ),
)
TOOLCHAIN = (COMPILER, BINUTILS, NEWLIB, NEWLIB_HEADERS)
