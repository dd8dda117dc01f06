/** The calls of this page, in the order of their beginnings. */
import { Changes } from './changes.ts'
import { announce } from './dom/elements.ts'
import type { Instances } from './instances.ts'
import { linkTo } from './links.ts'
import { Run } from './run.ts'
import type { Entry } from './wire.ts'

/** An entry of the lists: `tool:echo`. */
export type ItemKey = `${'tool' | 'prompt' | 'resource' | 'template'}:${string}`

interface Call {
  key: ItemKey
  /** What is called. */
  name: string
  revision: string
  send(run: Run): Promise<unknown>
}

export class Runs {
  /** A run has begun, or its state has changed. */
  readonly changed = new Changes()
  readonly #instances: Instances
  readonly #all: { run: Run; key: ItemKey }[] = []

  constructor(instances: Instances) {
    this.#instances = instances
  }

  /** In the order of their beginnings. */
  of(key: ItemKey): Run[] {
    return this.#all.flatMap((one) => (one.key === key ? [one.run] : []))
  }

  get waiting(): readonly { run: Run; key: ItemKey }[] {
    return this.#all.filter(({ run }) => run.state === 'asking')
  }

  withNumber(number: number | undefined): Run | undefined {
    return number === undefined ? undefined : this.#all[number - 1]?.run
  }

  record(entry: Entry, isNew: boolean): void {
    this.withNumber(entry.run)?.record(entry, isNew)
  }

  /** @returns what the call has resolved or rejected with */
  start({ key, name, revision, send }: Call): Promise<unknown> {
    const run = new Run({
      number: this.#all.length + 1,
      name,
      revision,
      instances: this.#instances,
      open: (uri) => location.assign(linkTo(`resource:${uri}`)),
      changed: () => this.changed.emit(),
    })
    this.#all.push({ run, key })
    this.changed.emit()
    const result = send(run)
    run.reveal()
    void run.follow(result).then(() => {
      announce(`${name}: ${run.state}`)
      run.reveal()
    })
    return result
  }
}
