/** Times that clients are given differ from client to client. */
import { expect } from 'vitest'

/** Matches a `retry` that is given for `ms`, or for up to `more` ms more: up to a quarter less or more. */
export const about = (ms: number, more = 0): unknown =>
  expect.toSatisfy(
    (retry: number) =>
      Number.isInteger(retry) && retry >= Math.round(0.75 * ms) && retry <= Math.round(1.25 * (ms + more)),
  )

/** Matches a Retry-After that is given for `seconds`: up to half as many more. */
export const fromSeconds = (seconds: number): unknown =>
  expect.toSatisfy(
    (text: string) => /^\d+$/.test(text) && Number(text) >= seconds && Number(text) <= seconds + Math.ceil(seconds / 2),
  )
