"""Two things that every part which works by register needs. Source: RP2040 datasheet, 2.14 and 2.5."""

from machine import mem32
from micropython import const

_RESETS_CLR = const(0x4000F000)
_RESETS_DONE = const(0x4000C008)
_DMA_ABORT = const(0x50000444)
_TURNS = const(1000)  # several milliseconds; the chip takes microseconds


def release(mask: int) -> None:
    """Take peripherals out of reset (bits of RESETS), and wait until they are. RuntimeError when one is not."""
    mem32[_RESETS_CLR] = mask
    for _ in range(_TURNS):
        if mem32[_RESETS_DONE] & mask == mask:
            return
    raise RuntimeError("peripheral stays in reset: 0x{:x}".format(mask))


def abort_dma(channel: int) -> None:
    """End a DMA channel's transfers, and wait until the last is over. RuntimeError when it is not."""
    mem32[_DMA_ABORT] = 1 << channel
    for _ in range(_TURNS):
        if mem32[_DMA_ABORT] & (1 << channel) == 0:
            return
    raise RuntimeError("DMA channel {} does not end".format(channel))
