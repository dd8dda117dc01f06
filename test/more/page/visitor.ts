/** A person with a browser, who uses the page by what it shows: roles, names and texts. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ensureBinary } from '../../support/global.ts'
import { installed } from '../support/installed.ts'
import type { Browser, Locator, Page, Playwright } from './playwright.ts'

const folder = await installed('page')
const require = createRequire(join(folder, 'package.json'))
const { chromium } = require('playwright-core') as Playwright
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** Chromium without a sandbox of its own, since tests may run as root in a container. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: ensureBinary('chromium'),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

export interface View {
  width?: number
  height?: number
  dark?: boolean
}

export class Visitor {
  readonly page: Page
  /** What the browser has reported: errors of the script, violations of the policy, failures to load. */
  readonly problems: string[] = []
  /** Requests to other origins. */
  readonly elsewhere: string[] = []

  private constructor(page: Page, url: URL) {
    this.page = page
    page.on('pageerror', (error) => this.problems.push(String(error)))
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.problems.push(message.text())
    })
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url())
      if (protocol !== 'data:' && origin !== url.origin) this.elsewhere.push(request.url())
    })
  }

  /** Opens the page. It ends with its browser. */
  static async open(
    browser: Browser,
    url: URL,
    { width = 1_440, height = 900, dark = false }: View = {},
  ): Promise<Visitor> {
    const colorScheme = dark ? 'dark' : 'light'
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
    const visitor = new Visitor(await context.newPage(), url)
    // Nothing depends on it: on a busy machine all of them take their time.
    visitor.page.setDefaultTimeout(120_000)
    await visitor.page.goto(url.href)
    return visitor
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }

  /** Resolves when the endpoint answers the next request of this method. */
  async answerTo(method: string): Promise<void> {
    await this.page.waitForResponse((response) => response.request().postData()?.includes(`"${method}"`) ?? false)
  }

  async connected(): Promise<void> {
    await this.page.getByText('Connected', { exact: true }).waitFor()
  }

  async useRevision(revision: string): Promise<void> {
    const choice = this.page.getByRole('radio', { name: revision })
    if (await choice.isChecked()) return
    await choice.check()
    await this.connected()
  }

  /** An entry of the lists by its title. */
  item(title: string): Locator {
    return this.page.getByRole('navigation').getByText(title, { exact: true })
  }

  /** Opens an entry of the lists. */
  async choose(title: string): Promise<void> {
    await this.item(title).click()
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor()
  }

  /** Sends the form of the view. Returns the call. */
  async call(name: 'Call tool' | 'Get prompt' | 'Read' = 'Call tool'): Promise<Locator> {
    const calls = this.page.locator('article.run')
    const before = await calls.count()
    await this.page.getByRole('button', { name, exact: true }).click()
    await calls.nth(before).waitFor()
    return calls.first()
  }

  /** The instance at the step that has these words. */
  async instanceAt(run: Locator, words: string): Promise<string> {
    const chip = run.locator('.step', { hasText: words }).first().locator('.chip')
    await chip.waitFor()
    return (await chip.getAttribute('title')) ?? ''
  }

  /** What keeps people from using the view, as axe finds it: a line for each. */
  async faults(): Promise<string[]> {
    await this.page.evaluate(AXE)
    const found = (await this.page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResult
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  }
}

interface AxeResult {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
}
