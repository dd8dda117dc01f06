/**
 * Rejections and exceptions that belong to no call: a promise that nobody awaits, a timer that throws. Without a listener
 * Node ends the process, and with it the calls of everybody. Where a process has listeners of its own, these do nothing.
 */
import { stackOf } from '../base/errors.ts'

type Report = (text: string) => void

/** Logs a rejection that nobody handles, with its stack. The process goes on: the state of no other call depends on it. */
export function logRejections(report: Report): void {
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') > 1) return
    report(`A rejection that nobody handles: ${stackOf(reason)}`)
  })
}

/** Logs an exception that nobody catches, with its stack, and calls `end`: Node does not promise that it can go on. */
export function endOnException(report: Report, end: () => void): void {
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') > 1) return
    report(`An exception that nobody catches: ${stackOf(error)}`)
    end()
  })
}
