/** Numbers from 0 up to 1 that a seed decides (mulberry32): `step` gives the next state, `numberOf` the number of a state. */
export function step(state: number): number {
  return (state + 0x6d2b79f5) >>> 0
}

export function numberOf(state: number): number {
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
