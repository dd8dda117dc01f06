/** The width of a line of sentences. */
const WIDTH = 100

/** Lines of the words of `text`. The first begins with `first`, the others with `indent`. */
export function paragraph(text: string, indent: string, first: string = indent): string[] {
  const lines: string[] = []
  let line = first
  for (const word of text.split(' ')) {
    if (line !== first && line !== indent && line.length + word.length > WIDTH) {
      lines.push(line.trimEnd())
      line = indent
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}
