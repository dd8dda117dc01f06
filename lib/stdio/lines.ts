/** The lines of an input, as bytes, whatever chunks they arrive in. */

const NEWLINE = 10
const RETURN = 13

/**
 * Splits at line feeds. A carriage return before one is no part of the line, and neither is an empty line.
 *
 * @param max bytes of a line
 * @returns each line; undefined for one that is longer, of which nothing is kept
 */
export async function* linesOf(input: AsyncIterable<Uint8Array>, max: number): AsyncGenerator<Uint8Array | undefined> {
  let parts: Uint8Array[] = []
  let size = 0
  const add = (part: Uint8Array) => {
    size += part.byteLength
    if (size <= max) parts.push(part)
    else parts = []
  }
  const end = () => {
    const line = size > max ? undefined : withoutReturn(Buffer.concat(parts))
    parts = []
    size = 0
    return line
  }
  for await (const chunk of input) {
    let begin = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, begin)) {
      add(chunk.subarray(begin, at))
      begin = at + 1
      const line = end()
      if (line?.byteLength !== 0) yield line
    }
    add(chunk.subarray(begin))
  }
  const last = end()
  if (last?.byteLength !== 0) yield last
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
