/** Keeps the results of pure functions. */

/** Longer texts are not kept: they seldom come twice, and clients could fill the memory with them. */
const LONGEST = 256

/** Wraps `make` so that its results for the most recent texts are kept: at least `size`, at most twice as many. */
export function memoize<T>(make: (text: string) => T, size: number): (text: string) => T {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  return (text) => {
    const kept = young.get(text)
    if (kept !== undefined) return kept
    const value = old.get(text) ?? make(text)
    if (text.length > LONGEST) return value
    if (young.size >= size) {
      old = young
      young = new Map()
    }
    young.set(text, value)
    return value
  }
}

/** Wraps `make` so that its result for an object is kept as long as the object lives. */
export function memoizeByObject<K extends object, T extends object>(make: (key: K) => T): (key: K) => T {
  const results = new WeakMap<K, T>()
  return (key) => {
    const result = results.get(key) ?? make(key)
    results.set(key, result)
    return result
  }
}
