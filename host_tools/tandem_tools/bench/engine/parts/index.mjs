// Every kind of part that a stand may name.

import { AimMonitor } from './aim_monitor.mjs';
import { AnalogSwitch } from './analog_switch.mjs';
import { Buttons } from './buttons.mjs';
import { Chain } from './chain.mjs';
import { Co2Laser } from './co2_laser.mjs';
import { Dac } from './dac.mjs';
import { Detector } from './detector.mjs';
import { Driver } from './driver.mjs';
import { Filter } from './filter.mjs';
import { Fram } from './fram.mjs';
import { Handpiece } from './handpiece.mjs';
import { Integrator } from './integrator.mjs';
import { OneShot } from './one_shot.mjs';
import { Panel } from './panel.mjs';
import { Pedal } from './pedal.mjs';
import { PsLaser } from './ps_laser.mjs';
import { Pulls } from './pulls.mjs';
import { RunLine } from './run_line.mjs';
import { Scanner } from './scanner.mjs';
import { Selector } from './selector.mjs';
import { Series } from './series.mjs';
import { ShiftInputs } from './shift_inputs.mjs';
import { ShiftOutputs } from './shift_outputs.mjs';
import { Shutter } from './shutter.mjs';
import { Supervisor } from './supervisor.mjs';
import { SupplySwitch } from './supply_switch.mjs';

const CLASSES = [
  AimMonitor,
  AnalogSwitch,
  Buttons,
  Chain,
  Co2Laser,
  Dac,
  Detector,
  Driver,
  Filter,
  Fram,
  Handpiece,
  Integrator,
  OneShot,
  Panel,
  Pedal,
  PsLaser,
  Pulls,
  RunLine,
  Scanner,
  Selector,
  Series,
  ShiftInputs,
  ShiftOutputs,
  Shutter,
  Supervisor,
  SupplySwitch,
];

/** Kind of part -> its class. */
export const PARTS = Object.fromEntries(CLASSES.map((part) => [part.kind, part]));
