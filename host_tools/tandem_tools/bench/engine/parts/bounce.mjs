// Contact bounce: the changes that a contact makes after it is moved, ending at its new level.

import { numberOf, levelOf, PS_PER_US } from './part.mjs';
import { uniform } from './noise.mjs';

/**
 * Changes of a contact that is moved to `level`: [{ ps, level }], ps counted from the first touch.
 * `changes` extra pairs are spread at random (by seed and serial) over `spanUs`; the last change leaves it at `level`.
 */
export function seededBounce(level, changes, spanUs, seed, serial) {
  const times = [0];
  for (let i = 0; i < 2 * changes; i += 1) times.push(Math.round(uniform(seed, serial, i + 1) * spanUs * PS_PER_US));
  times.sort((a, b) => a - b);
  return times.map((ps, i) => ({ ps, level: i % 2 === 0 ? level : 1 - level }));
}

/** A written script [[delay_us, level], ...] as changes; refused when it does not end at `level`. */
export function scriptedBounce(script, level, what) {
  const changes = script.map(([us, value]) => ({
    ps: Math.round(numberOf(us, `${what}: delay_us`, 0) * PS_PER_US),
    level: levelOf(value, `${what}: level`),
  }));
  if (changes.length === 0 || changes.at(-1).level !== level) {
    throw new Error(`${what}: the script has to end at level ${level}; give [[delay_us, level], ...] with that as its last level`);
  }
  return changes;
}
