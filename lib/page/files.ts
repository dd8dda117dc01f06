/**
 * The files of the page. In this repository they are built when they are asked for. A bundle and the published package have them
 * built: this module is replaced there (`lib/cli/build/plugins/page.ts`, `tools/build-package.ts`).
 */

export interface PageFile {
  /** The content type. */
  type: string
  /** Changes with the content. */
  version: string
  /** The content, compressed, in base64. */
  gzip: string
}

/** By name. `index.html` is the page itself. */
export type PageFiles = Readonly<Record<string, PageFile>>

let files: Promise<PageFiles> | undefined

export function pageFiles(): Promise<PageFiles> {
  files ??= import('./build.ts').then(({ buildPage }) => buildPage())
  return files
}
