/** Whether this commit (B) is slower than the commit before (A), which was measured twice (A and A') in each round. */

/** What one round measured of each: CPU time per request, or the time of a cold start. Less is better. */
export interface Round {
  before: number
  now: number
  again: number
}

export interface Interval {
  middle: number
  low: number
  high: number
}

export interface Comparison {
  rounds: number
  /** B/A as speed: 1.1 is a tenth faster. */
  now: Interval
  /** A'/A: what the machine alone does. */
  noise: Interval
  verdict: 'ok' | 'slower' | 'undecided'
}

/** Less than this share of the speed before is a failure, where the interval leaves no doubt. */
const LEAST = 0.97
/** As far from 1 may the interval of A'/A reach; beyond it there are more rounds. */
const NOISE = 0.03
/** How many rounds are added before the comparison is made again, and how many there are at most. */
const MORE = 5
export const MOST_ROUNDS = 40

const RESAMPLES = 4_000

/** Measures `rounds` rounds, and more while the same commit differs too much from itself. */
export async function compare(measure: () => Promise<Round>, rounds: number, most = MOST_ROUNDS): Promise<Comparison> {
  const measured: Round[] = []
  for (let target = rounds; ; target = Math.min(target + MORE, most)) {
    while (measured.length < target) measured.push(await measure())
    const comparison = judge(measured)
    if (comparison.verdict !== 'undecided' || target >= most) return comparison
  }
}

export function judge(rounds: readonly Round[]): Comparison {
  const now = interval(rounds.map(({ before, now }) => before / now))
  const noise = interval(rounds.map(({ before, again }) => before / again))
  const noisy = noise.low < 1 - NOISE || noise.high > 1 + NOISE
  // Where the noise is wide, only what is slower than all of the noise is a failure.
  const slower = now.high < Math.min(LEAST, noise.low)
  return { rounds: rounds.length, now, noise, verdict: slower ? 'slower' : noisy ? 'undecided' : 'ok' }
}

/** The 95 % bootstrap interval of the geometric mean. */
function interval(ratios: readonly number[]): Interval {
  const logs = ratios.map(Math.log)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const means = Array.from({ length: RESAMPLES }, () =>
    mean(logs.map(() => logs[Math.floor(Math.random() * logs.length)] ?? 0)),
  ).sort((a, b) => a - b)
  const at = (share: number) => Math.exp(means[Math.round(share * (RESAMPLES - 1))] ?? 0)
  return { middle: Math.exp(mean(logs)), low: at(0.025), high: at(0.975) }
}
