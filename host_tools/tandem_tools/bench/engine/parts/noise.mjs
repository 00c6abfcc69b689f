// Seeded noise without state: the same seed and index always give the same number, so a restored bench repeats itself.

/** A 32-bit hash of three integers (multiply and xor-shift rounds). */
function hash(a, b, c) {
  let h = 0x9e3779b9;
  for (const value of [a, b, c]) {
    h = Math.imul(h ^ (value | 0), 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** Uniform in 0 (included) .. 1 (excluded); `index` may be any integer that a float64 holds. */
export function uniform(seed, index, salt = 0) {
  const high = Math.floor(index / 4294967296);
  return hash(seed + Math.imul(salt, 0x632be5ab), index >>> 0, high) / 4294967296;
}

/** Normal with mean 0 and deviation 1 (Box and Muller), cut at +-5. */
export function gaussian(seed, index, salt = 0) {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, index, 2 * salt)));
  const value = radius * Math.cos(2 * Math.PI * uniform(seed, index, 2 * salt + 1));
  return Math.max(-5, Math.min(5, value));
}
