"""Raspberry Pi Pico (RP2040) as the controller: the one truth for pins.

Each name is the signal's name everywhere: in the firmware, in the wiring guide, on the bench and in the rig's wiring
files. Every level is positive logic at the board's pin; what inverts or isolates stands outside the board.
"""

NAME = "rp2040_pico"
CLOCK_HZ = 125_000_000

UART_TX = 0  # to an energy meter
UART_RX = 1

# Four neighbours under one guard: it holds all of them low in every cycle once SAFE was low.
PS_FIRE = 2  # the only trigger of a one-trigger laser, or the lamp trigger
PS_LAMP = PS_FIRE
PS_QSW = 3
CO2_GATE = 4
SYNC_OUT = 5  # short pulse in every slot, for an oscilloscope; both shot machines start on it

HEARTBEAT = 6  # toggled by the supervisor alone
PS_INT_RESET = 7  # 1 = charge integrator held in reset

SAFE = 8  # 1 = interlock chain and external supervisor closed
FOOT_NO = 9  # pedal, normally open contact: 1 = contact closed
FOOT_NC = 10  # pedal, normally closed contact: 1 = contact closed

PS_READY = 11
CO2_READY = 12
PS_SYNC = 13
CO2_SYNC = 14
SCAN_OK = 15  # 1 = scanner in position

SPI_ID = 0
SPI_RX = 16
DAC_CS = 17
SPI_SCK = 18
SPI_TX = 19
OUT_LATCH = 20  # 74HC595 RCLK
IN_LOAD = 21  # 74HC165 SH/LD
FRAM_CS = 22
SPI_HZ = 4_000_000

LED = 25
PS_ENERGY = 26
CO2_ENERGY = 27
HANDPIECE_ID = 28

TRIGGERS = (PS_FIRE, PS_QSW, CO2_GATE, SYNC_OUT)

# 74HC165 chain, 16 bits, bit 15 is shifted in first.
IN_ESTOP_CLOSED = 1 << 0
IN_DOOR_CLOSED = 1 << 1
IN_KEY_ON = 1 << 2
IN_PS_FAULT = 1 << 3
IN_CO2_FAULT = 1 << 4
IN_PS_SHUTTER_CLOSED = 1 << 5
IN_PS_SHUTTER_OPEN = 1 << 6
IN_CO2_SHUTTER_CLOSED = 1 << 7
IN_CO2_SHUTTER_OPEN = 1 << 8
IN_BUTTON_ARM = 1 << 9
IN_BUTTON_STANDBY = 1 << 10
IN_BUTTON_NEXT = 1 << 11
IN_AIM_MONITOR = 1 << 12
IN_PATTERN_MASK = 0b111 << 13  # wired to a fixed pattern, which proves that the chain is alive
IN_PATTERN = 0b010 << 13

# 74HC595 chain, 16 bits, bit 15 is shifted out first.
OUT_PS_SHUTTER = 1 << 0
OUT_CO2_SHUTTER = 1 << 1
OUT_AIM = 1 << 2
OUT_LAMP_READY = 1 << 3
OUT_LAMP_EMISSION_1 = 1 << 4
OUT_LAMP_EMISSION_2 = 1 << 5
OUT_LAMP_FAULT = 1 << 6
OUT_LAMP_PS = 1 << 7
OUT_LAMP_CO2 = 1 << 8
OUT_BUZZER = 1 << 9
OUT_SCAN_STEP = 1 << 10
OUT_SCAN_HOME = 1 << 11
