"""The three interrupt handlers of the firing path, in machine code, entered straight from the vector table.

They run at the highest priority while garbage collection, exceptions, USB or a flooded console keep Python busy. They
name no globals, allocate nothing and raise nothing. All that they know stands in one block of 32-bit words, whose
address is in the watchdog's scratch register 0, and one block for each laser's channel.

`slot_ahead`  1 ms before a slot: reads every input again, and writes one permit or stops the pacer.
`sync_judged` after the ps laser's sync, or its absence: permits the second shot of a pair that does not wait for the
              energy, or stops the pacer.
`window_end`  after a shot: sums the samples, judges the energy, permits the second shot of a verified pair, and moves
              the scanner to the next spot.
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false
import micropython

# Words of the main block.
ALIVE_UNTIL_US = 0  # supervisor's word: no permit after this time of the 1 MHz timer
INPUT_MASK = 1
INPUT_WANT = 2
INDEX = 3  # slots permitted so far
COUNT = 4
STATE = 5
STOP_INPUTS = 6  # GPIO levels when the handlers stopped
PERMIT = 7
PERMIT_TXF = 8
PS_CHANNEL = 9
CO2_CHANNEL = 10
RING = 11
RING_MASK = 12
DMA_WRITE = 13
SCAN_TABLE = 14
SCAN_SELECT = 15
SPI_LOCK = 16
SCAN_PENDING = 17
SCAN_AT = 18
PIO0_BASE = 19
PIO1_BASE = 20
TIMER = 21
SIO = 22
SPI = 23
ALIVE_MAX_US = 24
PERMIT_2 = 25
PERMIT_2_TXF = 26
PACER_STOP = 27
STOP_US = 28
SCAN_BY_SUPERVISOR = 29  # the scanner is moved by the supervisor's next turn, not by the handler
PEDAL_EDGES = 30  # address of the latched edges: FOOT_NO's fall is bit 6, FOOT_NC's rise bit 11
LOCK_FLAGS = 31  # flags of the shot machines in use
WORDS = 32

# Words of a channel's block.
JUDGED = 0
LOW = 1
HIGH = 2
SAMPLES = 3
BASE_SAMPLES = 4
FACTOR = 5
GAP_BYTES = 6
LANE = 7
SATURATED_AT = 8
RESULTS = 9
RELEASE = 10
WINDOW_TXF = 11
NEXT_PERMIT = 12
NEXT_TXF = 13
FAIL_CODE = 14
MOVES_SCANNER = 15
DARK_SUM = 16  # greatest sum of the baseline samples
DARK_AT = 17  # greatest sample 1 ms ahead of a slot
SYNC_SLACK = 18  # counts that the sync may be early; 0: the laser gives no sync
SYNCS = 19  # syncs judged good
SYNC_PERMIT = 20
CHANNEL_WORDS = 21

# Values of STATE.
IDLE = 0
RUNNING = 1
DONE = 2
STOP_GUARD = 16
STOP_LOCKED = 17
STOP_VERDICT_LATE = 18
STOP_INPUT = 19
STOP_SUPERVISOR = 20
STOP_SCANNER = 21
STOP_PS_ENERGY = 24
STOP_CO2_ENERGY = 25
STOP_PS_SATURATED = 26
STOP_CO2_SATURATED = 27
STOP_PS_UNEXPECTED = 28
STOP_CO2_UNEXPECTED = 29
STOP_SYNC_MISSING = 30
STOP_SYNC_EARLY = 31
STOP_SYNC_DOUBLE = 32


@micropython.asm_thumb
def slot_ahead():
    """PIO0_IRQ_1: permit or stop. Blocks nothing; about 1 us."""
    # r0 block, r6 slots permitted so far, r5 the code to stop with
    mov(r0, 0x40)
    lsl(r0, r0, 8)
    add(r0, 5)
    lsl(r0, r0, 8)
    add(r0, 0x80)
    lsl(r0, r0, 8)
    add(r0, 12)
    ldr(r0, [r0, 0])
    ldr(r1, [r0, 76])  # PIO0
    mov(r3, 1)
    str(r3, [r1, 0x30])
    ldr(r4, [r0, 20])
    cmp(r4, 1)
    beq(RUNS)
    b(END)
    label(RUNS)
    ldr(r2, [r1, 0x30])
    mov(r5, 16)
    mov(r3, 0x10)
    and_(r3, r2)
    bne(STOP)
    mov(r5, 17)
    mov(r3, 0x06)
    and_(r3, r2)
    ldr(r6, [r0, 124])  # flags of machines that are in use
    and_(r3, r6)
    bne(STOP)
    ldr(r6, [r0, 12])
    # every sync and every verdict so far is in, and the CO2 detector is dark
    ldr(r7, [r0, 36])
    cmp(r7, 0)
    beq(NOPS)
    mov(r5, 30)
    ldr(r3, [r7, 72])
    cmp(r3, 0)
    beq(NOSYNC)
    ldr(r3, [r7, 76])
    cmp(r3, r6)
    bne(STOP)
    label(NOSYNC)
    mov(r5, 18)
    ldr(r3, [r7, 0])
    cmp(r3, r6)
    bne(STOP)
    label(NOPS)
    ldr(r7, [r0, 40])
    cmp(r7, 0)
    beq(NOCO2)
    mov(r5, 18)
    ldr(r3, [r7, 0])
    cmp(r3, r6)
    bne(STOP)
    mov(r5, 29)
    ldr(r2, [r0, 52])
    ldr(r2, [r2, 0])
    mov(r3, 3)
    bic(r2, r3)
    sub(r2, 4)
    ldr(r3, [r0, 48])
    and_(r2, r3)
    ldr(r3, [r0, 44])
    add(r2, r2, r3)
    ldr(r3, [r7, 28])
    add(r2, r2, r3)
    ldrh(r2, [r2, 0])
    ldr(r3, [r7, 68])
    cmp(r2, r3)
    bhi(STOP)
    label(NOCO2)
    ldr(r3, [r0, 16])
    cmp(r6, r3)
    bne(MORE)
    mov(r5, 2)
    label(STOP)
    ldr(r3, [r0, 108])
    mov(r4, 1)
    str(r4, [r3, 0])
    ldr(r3, [r0, 88])
    ldr(r3, [r3, 4])
    str(r3, [r0, 24])
    ldr(r3, [r0, 84])
    ldr(r3, [r3, 0])
    str(r3, [r0, 112])
    str(r5, [r0, 20])
    b(END)
    label(MORE)
    mov(r5, 19)
    ldr(r3, [r0, 88])
    ldr(r3, [r3, 4])
    ldr(r4, [r0, 4])
    and_(r3, r4)
    ldr(r4, [r0, 8])
    cmp(r3, r4)
    bne(STOP)
    # no contact of the pedal has left "pressed" since the last turn, however shortly
    ldr(r3, [r0, 120])
    ldr(r3, [r3, 0])
    mov(r4, 0x84)
    lsl(r4, r4, 4)
    and_(r3, r4)
    bne(STOP)
    mov(r5, 20)
    ldr(r3, [r0, 84])
    ldr(r3, [r3, 0])
    ldr(r4, [r0, 0])
    sub(r4, r4, r3)
    ldr(r3, [r0, 96])
    cmp(r4, r3)
    bhi(STOP)
    mov(r5, 21)
    ldr(r3, [r0, 56])
    cmp(r3, 0)
    beq(PERMITTED)
    ldr(r3, [r0, 72])
    cmp(r3, r6)
    bne(STOP)
    label(PERMITTED)
    ldr(r7, [r0, 36])
    cmp(r7, 0)
    beq(NOPS2)
    ldr(r3, [r7, 40])
    ldr(r4, [r7, 44])
    str(r3, [r4, 0])
    label(NOPS2)
    ldr(r7, [r0, 40])
    cmp(r7, 0)
    beq(NOCO22)
    ldr(r3, [r7, 40])
    ldr(r4, [r7, 44])
    str(r3, [r4, 0])
    label(NOCO22)
    ldr(r3, [r0, 28])
    ldr(r4, [r0, 32])
    str(r3, [r4, 0])
    ldr(r3, [r0, 100])
    cmp(r3, 0)
    beq(COUNTED)
    ldr(r4, [r0, 104])
    str(r3, [r4, 0])
    label(COUNTED)
    add(r6, 1)
    str(r6, [r0, 12])
    label(END)


@micropython.asm_thumb
def sync_judged():
    """PIO1_IRQ_0: the ps laser's sync came in its window, early, twice, or not at all. About 0.5 us.

    The window machine pushed the counts that were left when it came (all ones: none); nothing for a second sync.
    """
    mov(r0, 0x40)
    lsl(r0, r0, 8)
    add(r0, 5)
    lsl(r0, r0, 8)
    add(r0, 0x80)
    lsl(r0, r0, 8)
    add(r0, 12)
    ldr(r0, [r0, 0])
    ldr(r1, [r0, 80])  # PIO1
    mov(r3, 4)
    str(r3, [r1, 0x30])
    ldr(r4, [r0, 20])
    cmp(r4, 1)
    bne(END)
    ldr(r7, [r0, 36])
    cmp(r7, 0)
    beq(END)
    mov(r5, 32)
    ldr(r3, [r1, 4])  # FSTAT: is there a word from machine 2?
    lsr(r3, r3, 10)
    mov(r2, 1)
    and_(r3, r2)
    bne(STOP)
    ldr(r3, [r1, 0x28])  # its word
    mov(r5, 30)
    add(r2, r3, 1)
    beq(STOP)
    mov(r5, 31)
    ldr(r2, [r7, 72])
    cmp(r3, r2)
    bhi(STOP)
    ldr(r2, [r7, 76])
    add(r2, 1)
    str(r2, [r7, 76])
    ldr(r3, [r7, 80])
    cmp(r3, 0)
    beq(END)
    ldr(r4, [r7, 52])
    str(r3, [r4, 0])
    b(END)
    label(STOP)
    ldr(r3, [r0, 108])
    mov(r4, 1)
    str(r4, [r3, 0])
    ldr(r3, [r0, 88])
    ldr(r3, [r3, 4])
    str(r3, [r0, 24])
    ldr(r3, [r0, 84])
    ldr(r3, [r3, 0])
    str(r3, [r0, 112])
    str(r5, [r0, 20])
    label(END)


@micropython.asm_thumb
def window_end():
    """PIO1_IRQ_1: judge one shot. About 2 us and 0.08 us a sample; with the scanner's move about 12 us more."""
    mov(r0, 0x40)
    lsl(r0, r0, 8)
    add(r0, 5)
    lsl(r0, r0, 8)
    add(r0, 0x80)
    lsl(r0, r0, 8)
    add(r0, 12)
    ldr(r0, [r0, 0])
    ldr(r1, [r0, 80])  # PIO1
    ldr(r2, [r1, 0x30])
    mov(r3, 1)
    and_(r3, r2)
    beq(CO2)
    str(r3, [r1, 0x30])
    ldr(r1, [r0, 36])
    b(CHANNEL)
    label(CO2)
    mov(r3, 2)
    str(r3, [r1, 0x30])
    ldr(r1, [r0, 40])
    label(CHANNEL)
    # r1 channel; both r1 = 0 (no such channel) and a stopped sequence end here
    cmp(r1, 0)
    beq(NEAR_END)
    ldr(r2, [r0, 52])
    ldr(r2, [r2, 0])  # next write address of the ring
    mov(r3, 3)
    bic(r2, r3)
    ldr(r4, [r0, 44])
    ldr(r5, [r1, 28])
    add(r4, r4, r5)  # ring base and lane
    ldr(r5, [r0, 48])
    ldr(r6, [r1, 12])  # samples
    mov(r3, 0)  # sum
    push({r0})
    ldr(r0, [r1, 32])  # saturated at
    label(SUM)
    sub(r2, 4)
    and_(r2, r5)
    data(2, 0x5AA7)  # ldrh r7, [r4, r2]
    add(r3, r3, r7)
    cmp(r7, r0)
    bhi(SATURATED)
    sub(r6, 1)
    bne(SUM)
    pop({r0})
    b(BASELINE)
    label(NEAR_END)
    b(END)
    label(SATURATED)
    pop({r0})
    ldr(r6, [r1, 0])
    lsl(r6, r6, 2)
    ldr(r5, [r1, 36])
    add(r5, r5, r6)
    mov(r3, 0)
    mvn(r3, r3)
    lsr(r3, r3, 1)
    str(r3, [r5, 0])  # the largest value stands for a saturated sample
    ldr(r5, [r1, 56])
    add(r5, 2)
    b(STOP)
    label(BASELINE)
    ldr(r6, [r1, 24])
    sub(r2, r2, r6)
    and_(r2, r5)
    ldr(r6, [r1, 16])
    push({r3})
    mov(r3, 0)
    label(BASE)
    sub(r2, 4)
    and_(r2, r5)
    data(2, 0x5AA7)  # ldrh r7, [r4, r2]
    add(r3, r3, r7)
    sub(r6, 1)
    bne(BASE)
    ldr(r6, [r1, 64])
    cmp(r3, r6)
    bls(DARK)
    pop({r3})
    ldr(r5, [r1, 56])
    add(r5, 4)
    b(STOP)
    label(DARK)
    ldr(r6, [r1, 20])
    mul(r3, r6)
    pop({r6})
    sub(r3, r6, r3)
    # r3 = energy in summed counts, signed
    ldr(r6, [r1, 0])
    lsl(r6, r6, 2)
    ldr(r5, [r1, 36])
    add(r5, r5, r6)
    str(r3, [r5, 0])
    ldr(r5, [r1, 56])  # fail code
    ldr(r6, [r1, 4])
    cmp(r3, r6)
    blt(STOP)
    ldr(r6, [r1, 8])
    cmp(r3, r6)
    bgt(STOP)
    ldr(r6, [r1, 0])
    add(r6, 1)
    str(r6, [r1, 0])  # judged
    ldr(r4, [r0, 20])
    cmp(r4, 1)
    bne(FAR_END)
    ldr(r3, [r1, 48])  # permit of the second shot of a verified pair
    cmp(r3, 0)
    beq(SCAN)
    mov(r5, 30)
    ldr(r4, [r1, 72])
    cmp(r4, 0)
    beq(NOSYNC)
    ldr(r4, [r1, 76])
    cmp(r4, r6)
    bne(STOP)
    label(NOSYNC)
    mov(r5, 19)
    ldr(r4, [r0, 88])
    ldr(r4, [r4, 4])
    ldr(r7, [r0, 4])
    and_(r4, r7)
    ldr(r7, [r0, 8])
    cmp(r4, r7)
    bne(STOP)
    mov(r5, 20)
    ldr(r4, [r0, 84])
    ldr(r4, [r4, 0])
    ldr(r7, [r0, 0])
    sub(r7, r7, r4)
    ldr(r4, [r0, 96])
    cmp(r7, r4)
    bhi(STOP)
    ldr(r4, [r1, 52])
    str(r3, [r4, 0])
    b(SCAN)
    label(STOP)
    ldr(r4, [r0, 20])  # the first reason stays
    cmp(r4, 1)
    bne(FAR_END)
    ldr(r3, [r0, 108])
    mov(r4, 1)
    str(r4, [r3, 0])
    ldr(r3, [r0, 88])
    ldr(r3, [r3, 4])
    str(r3, [r0, 24])
    ldr(r3, [r0, 84])
    ldr(r3, [r3, 0])
    str(r3, [r0, 112])
    str(r5, [r0, 20])
    label(FAR_END)
    b(END)
    label(SCAN)
    ldr(r3, [r0, 56])
    cmp(r3, 0)
    beq(FAR_END)
    ldr(r4, [r1, 60])
    cmp(r4, 0)
    beq(FAR_END)
    ldr(r4, [r0, 16])
    cmp(r6, r4)
    bge(FAR_END)
    ldr(r4, [r0, 64])
    ldr(r2, [r0, 116])
    orr(r4, r2)
    beq(FREE)
    mov(r4, 1)
    str(r4, [r0, 68])
    b(END)
    label(FREE)
    bl(MOVE)
    b(END)
    # moves the scanner to position r6: two 16-bit words, each with its own select
    label(MOVE)
    str(r6, [r0, 72])
    lsl(r6, r6, 2)
    add(r3, r3, r6)
    ldr(r4, [r0, 60])
    ldr(r5, [r0, 88])
    ldr(r7, [r0, 92])
    mov(r6, 2)
    label(WORD)
    str(r4, [r5, 0x18])  # select low
    ldrb(r2, [r3, 1])
    str(r2, [r7, 8])
    ldrb(r2, [r3, 0])
    str(r2, [r7, 8])
    add(r3, 2)
    mov(r1, 0x10)
    label(BUSY)
    ldr(r2, [r7, 12])
    and_(r2, r1)
    bne(BUSY)
    ldr(r2, [r7, 8])
    ldr(r2, [r7, 8])
    str(r4, [r5, 0x14])  # select high: the word takes effect
    sub(r6, 1)
    bne(WORD)
    bx(lr)
    label(END)


def code_address(function: object) -> int:
    """Return the entry of an assembled function, with the Thumb bit (MicroPython 1.25: third word of the object)."""
    from machine import mem32

    return mem32[id(function) + 8] | 1
