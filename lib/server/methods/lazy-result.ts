/** A list that is ready as JSON, as an object for a middleware: most of them never look into it. */
import type { JsonObject, RawJson } from '../../protocol/jsonrpc.ts'

/** The objects of this file, by what a middleware holds. */
const lazies = new WeakMap<object, Lazy>()

/** The object of the JSON. It is parsed when it is first read or changed. */
export function lazyResult(raw: RawJson): JsonObject {
  const lazy = new Lazy(raw)
  const object = new Proxy<JsonObject>(new Parsed(), lazy)
  lazies.set(object, lazy)
  return object
}

/** The JSON of an object of {@link lazyResult} that nobody has looked into. */
export function untouched(value: unknown): RawJson | undefined {
  const lazy = typeof value === 'object' && value !== null ? lazies.get(value) : undefined
  return lazy?.isParsed ? undefined : lazy?.raw
}

/** `console.log` looks past a proxy: it shows the members of this object, which may not be there yet. */
class Parsed {
  [key: string]: unknown
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    return { ...this }
  }
}

class Lazy implements ProxyHandler<JsonObject> {
  readonly raw: RawJson
  isParsed = false

  constructor(raw: RawJson) {
    this.raw = raw
  }

  #parsed(target: JsonObject): JsonObject {
    if (!this.isParsed) Object.assign(target, JSON.parse(this.raw.text))
    this.isParsed = true
    return target
  }

  get(target: JsonObject, name: string | symbol): unknown {
    // `await` asks each value for it.
    return name === 'then' && !this.isParsed ? undefined : Reflect.get(this.#parsed(target), name)
  }
  has(target: JsonObject, name: string | symbol): boolean {
    return Reflect.has(this.#parsed(target), name)
  }
  ownKeys(target: JsonObject): (string | symbol)[] {
    return Reflect.ownKeys(this.#parsed(target))
  }
  getOwnPropertyDescriptor(target: JsonObject, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#parsed(target), name)
  }
  set(target: JsonObject, name: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#parsed(target), name, value)
  }
  defineProperty(target: JsonObject, name: string | symbol, descriptor: PropertyDescriptor): boolean {
    return Reflect.defineProperty(this.#parsed(target), name, descriptor)
  }
  preventExtensions(target: JsonObject): boolean {
    return Reflect.preventExtensions(this.#parsed(target))
  }
  deleteProperty(target: JsonObject, name: string | symbol): boolean {
    return Reflect.deleteProperty(this.#parsed(target), name)
  }
}
