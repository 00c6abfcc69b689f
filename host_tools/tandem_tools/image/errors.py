"""The one exception of this package."""

from __future__ import annotations


class ImageError(Exception):
    """The image cannot be had. The message says what was wanted, what is missing, and the way out."""
