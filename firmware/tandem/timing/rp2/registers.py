"""RP2040 registers that the firing path uses. Source: RP2040 datasheet, address map and register lists."""

from micropython import const

XOR = const(0x1000)
SET = const(0x2000)
CLR = const(0x3000)

PIO0 = const(0x50200000)
PIO1 = const(0x50300000)
PIO_CTRL = const(0x00)
PIO_FSTAT = const(0x04)
PIO_FDEBUG = const(0x08)
PIO_TXF = const(0x10)
PIO_IRQ = const(0x30)
PIO_BYPASS = const(0x38)
PIO_PADOUT = const(0x3C)
PIO_INSTR = const(0x48)
SM_CLKDIV = const(0xC8)  # of machine 0; 24 bytes a machine
SM_EXECCTRL = const(0xCC)
SM_SHIFTCTRL = const(0xD0)
SM_ADDR = const(0xD4)
SM_INSTR = const(0xD8)
SM_PINCTRL = const(0xDC)
SM_STRIDE = const(24)
PIO_IRQ0_INTE = const(0x12C)
PIO_IRQ1_INTE = const(0x138)

RESETS = const(0x4000C000)
RESETS_DONE = const(0x4000C008)
RESET_ADC = const(1 << 0)
RESET_DMA = const(1 << 2)
RESET_PIO0 = const(1 << 10)
RESET_PIO1 = const(1 << 11)

IO_BANK0 = const(0x40014000)  # status, control: 8 bytes a pin
IO_INTR1 = const(0x400140F4)  # latched edges of GP8 to GP15; writing ones clears
PADS_BANK0 = const(0x4001C004)  # 4 bytes a pin
PAD_IN_DOWN = const(0x56)  # input enabled, Schmitt trigger, pull-down, 4 mA

ADC = const(0x4004C000)
ADC_FCS = const(0x08)
ADC_DIV = const(0x10)
ADC_FIFO = const(0x0C)
ADC_RESULT = const(0x04)

TIMERAWL = const(0x40054028)
WATCHDOG = const(0x40058000)
WATCHDOG_REASON = const(0x40058008)
SCRATCH0 = const(0x4005800C)  # holds the address of the handlers' block; the SDK keeps 4 to 7 for itself

SPI0 = const(0x4003C000)
DMA = const(0x50000000)
DMA_STRIDE = const(0x40)
DMA_ABORT = const(0x50000444)

SIO_IN = const(0xD0000004)
SIO_OUT_SET = const(0xD0000014)
SIO_OUT_CLR = const(0xD0000018)
SIO_OUT_XOR = const(0xD000001C)

NVIC_ENABLE = const(0xE000E100)
NVIC_DISABLE = const(0xE000E180)
NVIC_UNPEND = const(0xE000E280)
NVIC_PRIORITY = const(0xE000E400)
VTOR = const(0xE000ED08)

IRQ_PIO0_1 = const(8)
IRQ_PIO1_0 = const(9)
IRQ_PIO1_1 = const(10)
IRQS = const(0b111 << 8)  # the firing path's handlers
