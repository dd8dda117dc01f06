/** What the guards and the count of lines take for code, for comment and for text. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is source text
import { expect, test } from 'vitest'
import { codeLines } from '../../tools/count-lines.ts'
import { strip } from '../../tools/source.ts'

test('comments and blank lines are not counted', () => {
  expect(codeLines('/** What it does. */\n\nconst a = 1 // why\n// more\n/*\n const b = 2\n*/\nconst c = 3\n')).toBe(2)
})

test('what looks like a comment inside a text is code', () => {
  expect(
    codeLines("const url = 'https://a.example'\nconst glob = '/*'\nconst b = 1 /* one */\nconst end = \"*/\""),
  ).toBe(4)
  expect(strip('f(\'a // b\', "/* c */", `// ${1 /* one */}`)')).toBe('f(\'a // b\', "/* c */", `// ${1          }`)')
})

test('each line of a template is counted, also one that is a comment in its own language', () => {
  expect(codeLines('const lua = `\n  -- slides\n  // not a comment here\n\n  redis.call()\n`\n')).toBe(5)
})

test("the texts of the settings' table are not counted, and those of other files are", () => {
  const source =
    "const SETTINGS = {\n  port: {\n    bounds: [1, 2],\n    text:\n      'It\\'s // where it listens',\n  },\n}\n"
  expect(codeLines(source, 'lib/settings.ts')).toBe(5)
  expect(codeLines(source, 'lib/endpoint.ts')).toBe(7)
})

test('a template inside a template ends where it ends', () => {
  const source = 'const a = `${list.map((b) => { return `<${b}>` })} // in` // out'
  expect(strip(source).trimEnd()).toBe('const a = `${list.map((b) => { return `<${b}>` })} // in`')
  expect(strip(source, 'blank').trimEnd()).toBe('const a = `${list.map((b) => { return ` ${b} ` })}      `')
})

test('a quote inside a pattern begins no text, and a division begins no pattern', () => {
  expect(strip('const a = /[\'"`/]/.test(b) // c').trimEnd()).toBe('const a = /[\'"`/]/.test(b)')
  expect(strip('const a = [/\\/\\*/, // b\n/c/] // d').replace(/ +$/gm, '')).toBe('const a = [/\\/\\*/,\n/c/]')
  expect(strip("const a = (b / 2) / c // it's\nconst d = e[0] / 2 // '").replace(/ +$/gm, '')).toBe(
    'const a = (b / 2) / c\nconst d = e[0] / 2',
  )
})

test('every character keeps its place', () => {
  const source = "a /* b\n c */ + 'd\\'e' // f\n"
  expect(strip(source)).toBe("a     \n      + 'd\\'e'     \n")
  expect(strip(source, 'blank')).toBe("a     \n      + '    '     \n")
})
