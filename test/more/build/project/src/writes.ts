import { Writable } from 'node:stream'

/** A stream that keeps what is written. */
export function writesOf(): { stream: Writable; text: () => string } {
  let all = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      all += String(chunk)
      done()
    },
  })
  return { stream, text: () => all }
}
