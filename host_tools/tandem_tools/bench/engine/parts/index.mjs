// Every kind of part that a stand may name.

import { AimMonitor } from './aim_monitor.mjs';
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
import { Scanner } from './scanner.mjs';
import { ShiftInputs } from './shift_inputs.mjs';
import { ShiftOutputs } from './shift_outputs.mjs';
import { Shutter } from './shutter.mjs';
import { Supervisor } from './supervisor.mjs';

const CLASSES = [
  AimMonitor,
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
  Scanner,
  ShiftInputs,
  ShiftOutputs,
  Shutter,
  Supervisor,
];

/** Kind of part -> its class. */
export const PARTS = Object.fromEntries(CLASSES.map((part) => [part.kind, part]));
