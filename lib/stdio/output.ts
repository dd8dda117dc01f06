/** The output of a process whose stdout carries JSON-RPC and nothing else. */
import { Console } from 'node:console'

/** Writes a text, and calls back when it is written, or with the error. */
type Write = (text: string, written: (error?: Error | null) => void) => unknown

let taken: Write | undefined

/**
 * Sends what code writes to the console and to `process.stdout` to stderr from now on. `serveStdio` begins with it; a program
 * that loads its server later calls it before, so that nothing that modules write while they load reaches the host.
 *
 * @returns the function that writes to stdout
 */
export function takeStdout(): Write {
  if (taken) return taken
  const { stdout, stderr } = process
  taken = stdout.write.bind(stdout) as Write
  const onStderr = new Console(stderr, stderr)
  for (const name of Object.keys(onStderr) as (keyof Console)[]) {
    if (typeof console[name] === 'function') Object.assign(console, { [name]: onStderr[name] })
  }
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
  return taken
}

/** Writes lines in order. Each write resolves when the next one may follow. */
export class LineWriter {
  readonly #write: Write
  #last = Promise.resolve()

  constructor(write: Write) {
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
