/** Code that is loaded when it is first needed, so that a process starts without it. */

export class OnDemand<T> {
  /** Once it is loaded, callers use it without waiting. */
  now: T | undefined
  readonly #load: () => Promise<T>
  #loading: Promise<T> | undefined

  constructor(load: () => Promise<T>) {
    this.#load = load
  }

  /** Loads it once. Where that fails, the next call tries again. Callers go on in the order in which they called. */
  load(): Promise<T> {
    if (this.#loading) return this.#loading
    const loading = this.#load()
    this.#loading = loading
    // The first reaction: from then on nobody overtakes a caller that waits.
    loading.then(
      (loaded) => {
        this.now = loaded
      },
      () => {
        this.#loading = undefined
      },
    )
    return loading
  }

  get isLoading(): boolean {
    return this.#loading !== undefined && this.now === undefined
  }

  /** Resolves when those who wait for the code have it. */
  async idle(): Promise<void> {
    await this.#loading?.catch(() => {})
  }
}

type Operations<T> = { [Name in keyof T]: (...args: never[]) => Promise<unknown> }

/** Stands for an object of operations whose code is loaded with the first of them. `names`: of all of them. */
export function operationsOf<T extends Operations<T>>(code: OnDemand<T>, names: Readonly<Record<keyof T, true>>): T {
  const operation =
    (name: keyof T) =>
    (...args: never[]): Promise<unknown> =>
      code.now ? code.now[name](...args) : code.load().then((loaded) => loaded[name](...args))
  return Object.fromEntries(Object.keys(names).map((name) => [name, operation(name as keyof T)])) as T
}
