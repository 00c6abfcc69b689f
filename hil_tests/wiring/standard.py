"""Every wire between a controller and a rig; all stands share this list. The controller's own wiring: docs/wiring.md.

What a terminal is: tandem_tools.rig.wiring. Solder beside each wire what the comment of its group and its note say.

For all of them:

- One ground: join the grounds of both boards, of their registers and of the drivers with thick, short wires.
- 1 kOhm in series with every digital wire, at the end that drives it: boards are switched on and off one by one, and so
  no output feeds the other board through its protection diodes by more than 3 mA, nor breaks when two drive one wire.
- 100 kOhm to ground at the rig's end of every wire that the rig reads: a wire that is off reads 0.
- Cables under 0.5 m; a wire that is stamped has a ground wire beside it.
- NO LASER is connected to a stand. The rig takes the place of both.

The rig's own parts, beside the wires below:

- Three 74HC595 in a row: SER to OUT_DATA, SRCLK to SHIFT_SCK, RCLK to OUT_LATCH. Clear them at power-up (SRCLR by
  10 kOhm and 100 nF) and hold their outputs off until the first latch: the rig comes up with everything open and dark.
- Two 74HC165 in a row: QH through 1 kOhm to IN_DATA, CLK to SHIFT_SCK, SH/LD to IN_LOAD; bits 13, 14, 15 to 1, 0, 1;
  unused bits to ground.
- MCP4922 on DAC_SCK, DAC_TX, DAC_CS, LDAC to ground, VREFA and VREFB to 3.3 V.
"""

from tandem_tools.rig.wiring import Wire

WIRES = (
    # Triggers and what else the controller times: straight to the rig's pins, 1 kOhm at the controller.
    Wire("PS_FIRE", controller="GP2", rig="GP0", note="1 kOhm at the controller"),
    Wire("PS_QSW", controller="GP3", rig="GP1", note="1 kOhm at the controller"),
    Wire("CO2_GATE", controller="GP4", rig="GP2", note="1 kOhm at the controller, before the one-shot"),
    Wire("SYNC_OUT", controller="GP5", rig="GP3", note="1 kOhm at the controller"),
    Wire("HEARTBEAT", controller="GP6", rig="GP4", note="1 kOhm at the controller"),
    Wire("PS_INT_RESET", controller="GP7", rig="GP5", note="1 kOhm at the controller; no integrator is connected"),
    Wire("SAFE", controller="GP8", rig="GP6", note="1 kOhm at the filter's output"),
    # Outputs of the drivers. Of 5 V drivers: divider 1.8 kOhm over 3.3 kOhm, in place of the 1 kOhm.
    Wire("PS_FIRE_DRV", controller="driver.out_PS_FIRE", rig="GP7", note="driver's output, 3.3 V at the rig"),
    Wire("PS_QSW_DRV", controller="driver.out_PS_QSW", rig="GP8", note="driver's output, 3.3 V at the rig"),
    Wire("CO2_GATE_DRV", controller="driver.out_CO2_GATE", rig="GP9", note="driver's output, 3.3 V at the rig"),
    # The lasers' answers: 1 kOhm at the rig.
    Wire("PS_SYNC", controller="GP13", rig="GP10", note="1 kOhm at the rig"),
    Wire("CO2_SYNC", controller="GP14", rig="GP11", note="1 kOhm at the rig"),
    # Interlock chain: each output works the coil of a relay with two contacts over a transistor (for instance a
    # ULN2803A with 5 V relays). The first contacts stand in series in the controller's chain, in place of emergency
    # stop, door and key; the second is the spare one, to the controller's 74HC165.
    Wire("ESTOP_CLOSED", controller="IN0", rig="OUT0", note="relay, two contacts: chain and spare"),
    Wire("DOOR_CLOSED", controller="IN1", rig="OUT1", note="relay, two contacts: chain and spare"),
    Wire("KEY_ON", controller="IN2", rig="OUT2", note="relay, two contacts: chain and spare"),
    # Pedal and ready lines: straight, 1 kOhm at the rig.
    Wire("FOOT_NO", controller="GP9", rig="OUT3", note="1 kOhm at the rig"),
    Wire("FOOT_NC", controller="GP10", rig="OUT4", note="1 kOhm at the rig"),
    Wire("PS_READY", controller="GP11", rig="OUT5", note="1 kOhm at the rig"),
    Wire("CO2_READY", controller="GP12", rig="OUT6", note="1 kOhm at the rig"),
    Wire("SCAN_OK", controller="GP15", rig="OUT7", note="1 kOhm at the rig; no scanner is connected"),
    # Slow inputs of the controller's 74HC165: straight, 1 kOhm at the rig.
    Wire("PS_FAULT", controller="IN3", rig="OUT8", note="1 kOhm at the rig"),
    Wire("CO2_FAULT", controller="IN4", rig="OUT9", note="1 kOhm at the rig"),
    Wire("PS_SHUTTER_CLOSED", controller="IN5", rig="OUT10", note="1 kOhm at the rig; no shutter is connected"),
    Wire("PS_SHUTTER_OPEN", controller="IN6", rig="OUT11", note="1 kOhm at the rig"),
    Wire("CO2_SHUTTER_CLOSED", controller="IN7", rig="OUT12", note="1 kOhm at the rig; no shutter is connected"),
    Wire("CO2_SHUTTER_OPEN", controller="IN8", rig="OUT13", note="1 kOhm at the rig"),
    Wire("AIM_MONITOR", controller="IN12", rig="OUT14", note="1 kOhm at the rig"),
    Wire("BUTTON_ARM", controller="IN9", rig="OUT15", note="1 kOhm at the rig"),
    Wire("BUTTON_STANDBY", controller="IN10", rig="OUT16", note="1 kOhm at the rig"),
    Wire("BUTTON_NEXT", controller="IN11", rig="OUT17", note="1 kOhm at the rig"),
    # Outputs of the controller's 74HC595 to the rig's 74HC165: straight, 1 kOhm at the controller. Shutters: the
    # register's own output, before the switch that SAFE enables.
    Wire("PS_SHUTTER", controller="OUT0", rig="IN0", note="1 kOhm at the controller"),
    Wire("CO2_SHUTTER", controller="OUT1", rig="IN1", note="1 kOhm at the controller"),
    Wire("AIM", controller="OUT2", rig="IN2", note="1 kOhm at the controller"),
    Wire("LAMP_READY", controller="OUT3", rig="IN3", note="1 kOhm at the controller"),
    Wire("LAMP_EMISSION_1", controller="OUT4", rig="IN4", note="1 kOhm at the controller"),
    Wire("LAMP_EMISSION_2", controller="OUT5", rig="IN5", note="1 kOhm at the controller"),
    Wire("LAMP_FAULT", controller="OUT6", rig="IN6", note="1 kOhm at the controller"),
    Wire("LAMP_PS", controller="OUT7", rig="IN7", note="1 kOhm at the controller"),
    Wire("LAMP_CO2", controller="OUT8", rig="IN8", note="1 kOhm at the controller"),
    Wire("BUZZER", controller="OUT9", rig="IN9", note="1 kOhm at the controller"),
    Wire("SCAN_STEP", controller="OUT10", rig="IN10", note="1 kOhm at the controller"),
    Wire("SCAN_HOME", controller="OUT11", rig="IN11", note="1 kOhm at the controller"),
    # Energies: converter output, one switch of a 74HC4066 controlled by PS_LIGHT (CO2_LIGHT), 1 kOhm, then the
    # controller's input with 220 pF to ground. Dark is 20 mV, not 0: a second switch, closed while the first is open
    # (its control through a 74HC04), joins the same 1 kOhm to the middle of 160 kOhm (to 3.3 V) and 1 kOhm (to
    # ground). Or one half of a DG419 between the converter and that divider.
    Wire("PS_ENERGY", controller="GP26", rig="DAC_A", note="74HC4066 by PS_LIGHT, dark at 20 mV"),
    Wire("CO2_ENERGY", controller="GP27", rig="DAC_B", note="74HC4066 by CO2_LIGHT, dark at 20 mV"),
    # Handpiece: 74HC4051, A B C to HANDPIECE_0..2 (bits 18 to 20), its inputs 0 to 4 at 3.3, 0, 1.2, 2.0 and 0.6 V
    # (dividers of at most 1 kOhm), 5 to 7 at 3.3 V; INH to ground.
    Wire("HANDPIECE_ID", controller="GP28", rig="MUX", note="74HC4051 by bits 18 to 20"),
    # RUN: an NPN transistor (4.7 kOhm at its base) from the controller's RUN to ground; only the board pulls RUN up.
    Wire("RUN", controller="RUN", rig="OUT21", note="NPN transistor to ground, 4.7 kOhm at its base"),
    # Supply: a high-side switch (for instance a P-channel MOSFET by an NPN) in VBUS of the controller's USB cable;
    # the parts that the controller feeds hang on its 3.3 V, so that they go off with it.
    Wire("SUPPLY", controller="SUPPLY", rig="OUT22", note="high-side switch in VBUS, off at 1"),
)
