// First-order lag in closed form: what a low pass of time constant `tau` gives when it is driven by
// u(s) = level + swing * exp(-s / decay) + slope * s. All times in ps, s counted from the start of the segment.

export function driveAt(drive, s) {
  return drive.level + (drive.decay > 0 ? drive.swing * Math.exp(-s / drive.decay) : 0) + drive.slope * s;
}

/** Output of the lag after `s` ps, `y0` at s = 0. Solution of tau * y' = u - y. */
export function lagAt(drive, tau, y0, s) {
  if (s <= 0) return y0;
  if (tau <= 0) return driveAt(drive, s);
  const { level, decay, slope } = drive;
  const swing = decay > 0 ? drive.swing : 0;
  const steady = level + slope * (s - tau);
  const own = Math.exp(-s / tau);
  const atStart = level - slope * tau;
  if (Math.abs(decay - tau) < 1e-9 * tau) return steady + (y0 - atStart + (swing * s) / tau) * own;
  const gain = decay > 0 ? (swing * decay) / (decay - tau) : 0;
  const forced = decay > 0 ? gain * Math.exp(-s / decay) : 0;
  return steady + forced + (y0 - atStart - gain) * own;
}

/** Integral of the drive from 0 to s, in units of u times ps. */
export function driveIntegral(drive, s) {
  const swing = drive.decay > 0 ? drive.swing * drive.decay * (1 - Math.exp(-s / drive.decay)) : 0;
  return drive.level * s + swing + (drive.slope * s * s) / 2;
}
