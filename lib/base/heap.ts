/** The size of the heap of this process. */

/** The memory of an instance on platforms that do not show the size of their heap: that of a Cloudflare Worker. */
const UNKNOWN = 128 * 1024 * 1024

/** A quarter of what V8 may use, in bytes. */
export function quarterOfHeap(): number {
  // No import: platforms without this module could not load the file.
  const v8 = process.getBuiltinModule?.('node:v8')
  return Math.floor((v8?.getHeapStatistics().heap_size_limit || UNKNOWN) / 4)
}
