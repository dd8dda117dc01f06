/** Results of pure functions that are asked for again and again. */

/** Longer texts are nothing that is asked for again and again. */
const LONGEST = 256

/** `make`, with its results for the texts that were asked for last kept: at least `size` of them, at most twice. */
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

/** `make`, with its result for each object kept as long as the object lives. */
export function memoizeByObject<K extends object, T extends object>(make: (key: K) => T): (key: K) => T {
  const results = new WeakMap<K, T>()
  return (key) => {
    const result = results.get(key) ?? make(key)
    results.set(key, result)
    return result
  }
}
