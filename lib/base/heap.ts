/** The size of the heap of this process. */
import { getHeapStatistics } from 'node:v8'

/** A quarter of what V8 may use, in bytes. */
export function quarterOfHeap(): number {
  return Math.floor(getHeapStatistics().heap_size_limit / 4)
}
