/** The output of a process whose stdout carries JSON-RPC and nothing else. */
import { Console } from 'node:console'
import type { Writable } from 'node:stream'

let taken: Writable['write'] | undefined

/**
 * Sends what code writes to the console and to `process.stdout` to stderr from now on.
 *
 * @returns the function that writes to stdout
 */
export function takeStdout(): Writable['write'] {
  if (taken) return taken
  const { stdout, stderr } = process
  taken = stdout.write.bind(stdout) as Writable['write']
  const onStderr = new Console(stderr, stderr)
  for (const name of Object.keys(onStderr) as (keyof Console)[]) {
    if (typeof console[name] === 'function') Object.assign(console, { [name]: onStderr[name] })
  }
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
  return taken
}

/** Writes lines in order. Each write resolves when the next one may follow. */
export class LineWriter {
  readonly #write: Writable['write']
  #last = Promise.resolve()

  /** @param write calls back when the bytes are written, or with the error */
  constructor(write: Writable['write']) {
    this.#write = write
  }

  /** @throws the error of the output */
  line(text: string): Promise<void> {
    const written = this.#last.then(() => this.#send(`${text}\n`))
    this.#last = written.catch(() => {})
    return written
  }

  /** Resolves when everything is written. */
  flushed(): Promise<void> {
    return this.#last
  }

  #send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write(text, (error?: Error | null) => (error ? reject(error) : resolve()))
    })
  }
}
