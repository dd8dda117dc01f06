/** The costs of operations as Markdown, and how many of each one core of Redis serves. */
import { USABLE } from '../simulation/simulate.ts'
import type { BusCost } from './bus.ts'
import type { Operation } from './operations.ts'

const us = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const whole = (value: number) => Number(value.toPrecision(2)).toLocaleString('en')

export function operationsText(operations: readonly Operation[]): string {
  const lines = operations.map(({ name, title, scripts, redis, instances }) => {
    // An instance is nothing that is done.
    const most = name === 'instance' ? '' : `${whole((USABLE * 1e6) / redis)}`
    return `| ${title} | ${scripts.toFixed(1)} | ${us(redis)} | ${us(instances)} | ${most} |`
  })
  return [
    '| operation | scripts | Redis, us | instances, us | a core of Redis at 70 %, in a second |',
    '|---|--:|--:|--:|--:|',
    ...lines,
  ].join('\n')
}

export function busText(measured: readonly BusCost[]): string {
  const lines = measured.map(({ receivers, idle, change, mail, fast }) => {
    const share = `${(fast.busy * 100).toFixed(0)} %`
    return `| ${receivers.toLocaleString('en')} | ${us(idle)} | ${us(mail)} | ${us(change)} | ${us(change / receivers)} | ${share}, ${fast.reads.toFixed(0)} reads of each | ${fast.slowest.toFixed(0)} ms |`
  })
  const rate = measured[0]?.fast.rate
  return [
    `| blocked reads | at rest, us a second | a message, us | a change by itself, us | for each instance | ${rate} changes a second: of a core | longest wait of another client |`,
    '|--:|--:|--:|--:|--:|--:|--:|',
    ...lines,
  ].join('\n')
}
