"""Raspberry Pi Pico (RP2040) as the rig: the one truth for its pins and for the bits of its shift registers.

A name is the signal's name on the controller (boards/rp2040_pico/board.py) wherever a wire joins the two boards.
Every level is positive logic at the rig's pin.
"""

NAME = "rp2040_pico"

# Watched inputs: all can be stamped, and all have the chip's latched edge bits.
PS_FIRE = 0
PS_QSW = 1
CO2_GATE = 2
SYNC_OUT = 3
HEARTBEAT = 4
PS_INT_RESET = 5
SAFE = 6
PS_FIRE_DRV = 7
PS_QSW_DRV = 8
CO2_GATE_DRV = 9

PS_SYNC = 10  # the lasers' answers
CO2_SYNC = 11

METER_TX = 12  # UART0, kept free for an energy meter
METER_RX = 13

DAC_SPI_ID = 1
DAC_SCK = 14
DAC_TX = 15
DAC_CS = 17  # MCP4922: A = ps energy, B = CO2 power; LDAC is tied low

SHIFT_SPI_ID = 0
IN_DATA = 16
SHIFT_SCK = 18
OUT_DATA = 19
OUT_LATCH = 20  # 74HC595 RCLK
IN_LOAD = 21  # 74HC165 SH/LD

PS_LIGHT = 22  # 1 = the converter reaches the controller's energy input, 0 = dark
CO2_LIGHT = 26

START = 25  # the LED; every stamp machine waits for it, so that all start in the same cycle

WATCHED = (
    "PS_FIRE",
    "PS_QSW",
    "CO2_GATE",
    "SYNC_OUT",
    "HEARTBEAT",
    "PS_INT_RESET",
    "SAFE",
    "PS_FIRE_DRV",
    "PS_QSW_DRV",
    "CO2_GATE_DRV",
)

# Three 74HC595: bit 0 first here, bit 23 is shifted out first.
OUT_BITS = 24
OUT_NAMES = (
    "ESTOP_CLOSED",
    "DOOR_CLOSED",
    "KEY_ON",
    "FOOT_NO",
    "FOOT_NC",
    "PS_READY",
    "CO2_READY",
    "SCAN_OK",
    "PS_FAULT",
    "CO2_FAULT",
    "PS_SHUTTER_CLOSED",
    "PS_SHUTTER_OPEN",
    "CO2_SHUTTER_CLOSED",
    "CO2_SHUTTER_OPEN",
    "AIM_MONITOR",
    "BUTTON_ARM",
    "BUTTON_STANDBY",
    "BUTTON_NEXT",
    "HANDPIECE_0",
    "HANDPIECE_1",
    "HANDPIECE_2",
    "RUN_LOW",
    "SUPPLY_OFF",
)

# Two 74HC165: bit 0 first here, bit 15 is shifted in first.
IN_BITS = 16
IN_NAMES = (
    "PS_SHUTTER",
    "CO2_SHUTTER",
    "AIM",
    "LAMP_READY",
    "LAMP_EMISSION_1",
    "LAMP_EMISSION_2",
    "LAMP_FAULT",
    "LAMP_PS",
    "LAMP_CO2",
    "BUZZER",
    "SCAN_STEP",
    "SCAN_HOME",
)
IN_PATTERN_MASK = 0b111 << 13
IN_PATTERN = 0b101 << 13  # wired to a fixed pattern, which proves that the chain is alive

HANDPIECES = ("none", "shorted", "generic-combined", "generic-ps", "generic-co2")  # by the code of HANDPIECE_0..2
