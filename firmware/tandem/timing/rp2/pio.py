"""Loads and starts PIO programs by register, so that a soft reset does not stop them.

`rp2.StateMachine` owns the machines it starts, and MicroPython's soft reset stops all that are owned, guard included,
with the pins at their last level. Machines started by register live on: a gate ends on its cycle, the guard stays.
"""

from machine import mem32

from tandem.timing.rp2 import registers as reg

ENABLE_STATE_MACHINES = 0xF


def unreset(mask: int) -> None:
    """Take peripherals out of reset (bits of RESETS); at most 1 ms."""
    mem32[reg.RESETS + reg.CLR] = mask
    for _ in range(1000):
        if mem32[reg.RESETS_DONE] & mask == mask:
            return
    raise RuntimeError("peripheral stays in reset: 0x%x" % mask)


def words(program: list, offset: int) -> list:
    """Return the program's 16-bit words as they stand in memory at `offset` (jumps relocated)."""
    return [w + offset if w >> 13 == 0 else w for w in program[0]]


def write_words(base: int, offset: int, code: list) -> None:
    """Write instruction words; instruction memory cannot be read back, so it is written anew at each arming."""
    for i, word in enumerate(code):
        mem32[base + reg.PIO_INSTR + 4 * (offset + i)] = word


def stop(base: int, machines: int) -> None:
    """Stop machines (bit mask)."""
    mem32[base + reg.PIO_CTRL + reg.CLR] = machines


def start(base: int, machines: int) -> None:
    """Start machines (bit mask) in one cycle."""
    mem32[base + reg.PIO_CTRL + reg.SET] = machines


def running(base: int) -> int:
    """Return the mask of machines that are enabled."""
    return mem32[base + reg.PIO_CTRL] & 0xF


def program_counter(base: int, machine: int) -> int:
    """Return the address of the instruction that a machine executes."""
    return mem32[base + reg.SM_ADDR + reg.SM_STRIDE * machine] & 0x1F


def clear_fifos(base: int, machine: int) -> None:
    """Empty both FIFOs by toggling FJOIN_RX; `active(0)` and `restart` would keep old words, and so an old permit."""
    address = base + reg.SM_SHIFTCTRL + reg.XOR + reg.SM_STRIDE * machine
    mem32[address] = 1 << 31
    mem32[address] = 1 << 31


def execute(base: int, machine: int, instruction: int) -> None:
    """Let a machine execute one instruction now."""
    mem32[base + reg.SM_INSTR + reg.SM_STRIDE * machine] = instruction


def load_isr(base: int, machine: int, value: int) -> None:
    """Put `value` into a stopped machine's ISR by way of its empty FIFO."""
    clear_fifos(base, machine)
    mem32[base + reg.PIO_TXF + 4 * machine] = value & 0xFFFFFFFF
    execute(base, machine, 0x80A0)  # pull block
    execute(base, machine, 0xA0C7)  # mov isr, osr


def load_osr(base: int, machine: int, value: int) -> None:
    """Put `value` into a stopped machine's OSR."""
    clear_fifos(base, machine)
    mem32[base + reg.PIO_TXF + 4 * machine] = value & 0xFFFFFFFF
    execute(base, machine, 0x80A0)


class Machine:
    """Settings of one machine, to be written and read back: `exec_ctrl`, `shift_ctrl`, `pin_ctrl`, 32 bits each."""

    def __init__(self, base: int, number: int, program: list, offset: int, pin_ctrl: int, jmp_pin: int = 0) -> None:
        self.base = base
        self.number = number
        self.offset = offset
        self.code = words(program, offset)
        self.exec_ctrl = program[3] + (offset << 12) + (offset << 7) | (jmp_pin << 24)
        self.shift_ctrl = program[4]
        self.pin_ctrl = pin_ctrl
        self.registers = base + reg.SM_CLKDIV + reg.SM_STRIDE * number

    def write(self, entry: int = 0) -> None:
        """Stop, load and reset the machine, with empty FIFOs and its counter at `entry` (words after offset)."""
        stop(self.base, 1 << self.number)
        write_words(self.base, self.offset, self.code)
        r = self.registers
        mem32[r] = 1 << 16
        mem32[r + 4] = self.exec_ctrl
        mem32[r + 8] = self.shift_ctrl
        mem32[r + 20] = self.pin_ctrl
        clear_fifos(self.base, self.number)
        mem32[self.base + reg.PIO_CTRL + reg.SET] = 0x110 << self.number  # restart machine and divider
        execute(self.base, self.number, self.offset + entry)

    def differs(self) -> bool:
        """Read the registers back: True when divider, wrap, pins or shift settings are not what was written."""
        r = self.registers
        return (
            mem32[r] != 1 << 16
            or mem32[r + 4] & 0x7FFFFFFF != self.exec_ctrl & 0x7FFFFFFF
            or mem32[r + 8] != self.shift_ctrl
            or mem32[r + 20] & 0xFFFFFFFF != self.pin_ctrl  # mem32 reads are signed
        )
