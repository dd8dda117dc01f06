/** Builds the files of the page from `app`: one script, one style sheet, the HTML and an icon. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { digest } from '../base/ids.ts'
import type { PageFile, PageFiles } from './files.ts'

const APP = join(import.meta.dirname, 'app')

/** Browsers of the last two years. */
const BROWSERS = ['chrome123', 'firefox121', 'safari17.5']

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const

/** @throws Error with what esbuild reports */
export async function buildPage(): Promise<PageFiles> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: { app: join(APP, 'main.ts'), style: join(APP, 'style.css') },
    outdir: '/',
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: BROWSERS,
    legalComments: 'none',
    logLevel: 'silent',
    tsconfig: join(APP, 'tsconfig.json'),
  })
  const output = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  const parts: Record<string, PageFile> = {
    'app.js': fileOf('js', output('app.js')),
    'app.css': fileOf('css', output('style.css')),
    'icon.svg': fileOf('svg', readFileSync(join(APP, 'icon.svg'), 'utf8')),
  }
  const html = readFileSync(join(APP, 'index.html'), 'utf8').replace(
    /\?page=([\w.]+)/g,
    (address, name: string) => `${address}&amp;v=${parts[name]?.version}`,
  )
  return { 'index.html': fileOf('html', html), ...parts }
}

function fileOf(type: keyof typeof TYPES, text: string): PageFile {
  return { type: TYPES[type], version: digest(text, 9), gzip: gzipSync(text, { level: 9 }).toString('base64') }
}

/** A module in the place of `files.ts`, which has the files. */
export function filesModule(files: PageFiles): string {
  return `const files = ${JSON.stringify(files)}\nexport const pageFiles = async () => files\n`
}
