"""`tandem image`: build the image and the unix port, and say where they are."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import pico_image, pico_uf2, unix_micropython
from .errors import ImageError

image_app = typer.Typer(
    help="The real MicroPython image for the Pico, and the unix port for tests.", no_args_is_help=True
)


class Product(StrEnum):
    """What can be had."""

    BIN = "bin"
    UF2 = "uf2"
    UNIX = "unix"


_MAKERS: dict[Product, Callable[[], Path]] = {
    Product.BIN: pico_image,
    Product.UF2: pico_uf2,
    Product.UNIX: unix_micropython,
}


def _get(product: Product) -> Path:
    try:
        return _MAKERS[product]()
    except ImageError as problem:
        typer.echo(f"tandem: {problem}", err=True)
        raise typer.Exit(1) from problem


@image_app.command()
def build() -> None:
    """Build whatever is not there yet (once; needs the network then), and print the paths."""
    for product in Product:
        typer.echo(f"{product.value:4} {_get(product)}")


@image_app.command()
def path(
    product: Annotated[
        Product, typer.Argument(help="uf2: to drop on a Pico; bin: for the bench; unix: the interpreter.")
    ] = Product.UF2,
) -> None:
    """Print the path of one of them, building it first if it is not there."""
    typer.echo(_get(product))
