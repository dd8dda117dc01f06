/** The page in Chromium, through three instances on one Redis, in both kinds of revision. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Fleet, type FleetOptions, startFleet } from '../../support/fleet.ts'
import type { Browser } from './playwright.ts'
import { launch, type View, Visitor } from './visitor.ts'

const PATIENT = { timeout: 60_000 }
/** A death is noticed soon. */
const SHORT = { lease: 1_000, heartbeat: 500 }

let browser: Browser
beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

const visitors: Visitor[] = []
async function leave(): Promise<void> {
  for (const visitor of visitors.splice(0)) {
    await visitor.close()
    expect(visitor.problems).toEqual([])
    expect(visitor.elsewhere).toEqual([])
  }
}

/** Opens the page at the balancer of the fleet. */
async function visit(fleet: Fleet, view: View = {}, path = '/'): Promise<Visitor> {
  const visitor = await Visitor.open(browser, new URL(path, fleet.url), view)
  visitors.push(visitor)
  return visitor
}

const harbour = (options: FleetOptions = {}) =>
  startFleet({ session: SHORT, ...options }, { module: '../more/page/harbour.ts' })

describe.each(['2025-11-25', '2026-07-28'])('with a server of everything, in %s', (revision) => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await harbour()
  })
  afterEach(leave)
  afterAll(() => fleet?.stop())

  async function arrive(view: View = {}): Promise<Visitor> {
    const visitor = await visit(fleet, view)
    await visitor.connected()
    await visitor.useRevision(revision)
    return visitor
  }

  test('shows what the server is, and what it has', async () => {
    const visitor = await arrive()
    const { page } = visitor
    expect(await page.title()).toBe('Harbour')
    await page.getByRole('heading', { level: 1, name: 'Harbour' }).waitFor()
    await page.getByText('Berths, ships and tides of a small harbour.').waitFor()
    await page.getByText('Look up ships with find_ship').waitFor()
    expect(await page.locator('img.server-icon').getAttribute('src')).toMatch(/^data:image/)
    for (const name of ['Find a ship', 'book_once', 'Greet a captain', 'Tides', 'A ship']) {
      await visitor.item(name).waitFor()
    }
    await page.getByText(fleet.url.href, { exact: true }).first().waitFor()
  })

  test('calls a tool with the values of its form, and shows result, messages and instances', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('Find a ship')
    await page.getByLabel('name').fill('sif')
    await page.getByLabel('flag').selectOption('Denmark')
    await page.getByLabel('grain').check()
    const run = await visitor.call()
    await run.getByText('Done').waitFor()
    await run.getByText('"Sif"').first().waitFor()
    expect(await visitor.instanceAt(run, 'Result from')).toMatch(/^Instance /)
    const row = page.locator('.message.sent', { hasText: 'tools/call  find_ship' }).last()
    await row.locator('summary').click()
    const sent = JSON.parse((await row.locator('pre').textContent()) ?? '')
    expect(sent.params).toMatchObject({
      name: 'find_ship',
      arguments: { name: 'sif', flag: 'Denmark', cargo: ['grain'], longest: 120 },
    })
    // Calls one after the other go to all three.
    for (let i = 0; i < 3; i++) await (await visitor.call()).getByText('Done').waitFor()
    expect(await page.locator('.instances li').count()).toBe(3)
  })

  test('refuses values that the schema does not take, before it sends them', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('Book a berth')
    await page.getByRole('button', { name: 'Call tool' }).click()
    await page.getByText('A value is required.').waitFor()
    await page.getByLabel('berth').fill('21')
    await page.getByRole('button', { name: 'Call tool' }).click()
    await page.getByText('The number must be at most 20.').waitFor()
    expect(await page.getByLabel('berth').getAttribute('aria-invalid')).toBe('true')
    expect(await page.evaluate("document.activeElement?.getAttribute('aria-invalid')")).toBe('true')
    expect(await page.locator('article.run').count()).toBe(0)
    expect(await visitor.faults()).toEqual([])
  })

  test('enters objects, lists, variants and null, as a form and as JSON', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('describe_cargo')
    const form = page.locator('form.call')
    await form
      .getByRole('group', { name: /^sender/ })
      .getByLabel('name')
      .fill('Ada')
    await form.getByRole('button', { name: 'Add item' }).click()
    await form.getByLabel('label').fill('books')
    await form.getByLabel('weight').fill('12.5')
    await form.getByRole('combobox', { name: 'packing: kind' }).selectOption('sack')
    await form.getByLabel('count').fill('3')
    await form.getByLabel('insured').check()
    await form.getByLabel('more').fill('{"fragile":true}')
    expect(await visitor.faults()).toEqual([])
    const run = await visitor.call()
    await run.getByText('Done').waitFor()
    const expected = {
      sender: { name: 'Ada' },
      pieces: [{ label: 'books', weight: 12.5 }],
      packing: { type: 'sack', count: 3 },
      insured: true,
      remark: null,
      more: { fragile: true },
    }
    expect(JSON.parse((await run.locator('.outcome pre').textContent()) ?? '')).toEqual(expected)
    await form.getByRole('radio', { name: 'JSON' }).check()
    const json = form.getByLabel('Arguments as JSON')
    expect(JSON.parse(await json.inputValue())).toEqual(expected)
    await json.fill(JSON.stringify({ ...expected, packing: { type: 'crate', wood: 'oak' }, insured: false }))
    await form.getByRole('radio', { name: 'Form' }).check()
    expect(await form.getByLabel('wood').inputValue()).toBe('oak')
    expect(await form.getByLabel('insured').isChecked()).toBe(false)
    await form.getByRole('radio', { name: 'JSON' }).check()
    await json.fill('[1]')
    await form.getByRole('button', { name: 'Call tool' }).click()
    await form.getByText('This must be an object').waitFor()
  })

  test('shows progress and log while a call runs', async () => {
    const visitor = await arrive()
    await visitor.choose('Unload a ship')
    const run = await visitor.call()
    await run.getByRole('progressbar').waitFor()
    await run.getByText('4 containers are on the quay').waitFor()
    await run.getByText('8 containers are unloaded.').waitFor()
    await run.getByText('8 of 8').waitFor()
    expect(await run.getByRole('progressbar').getAttribute('value')).toBe('8')
  })

  test('leaves out log messages below the chosen level', async () => {
    const visitor = await arrive()
    // A session has a level. Another instance may serve the call, before this one has stored it.
    const isStored = revision === '2025-11-25' && visitor.answerTo('logging/setLevel')
    await visitor.page.getByLabel('Log from').selectOption('warning')
    await isStored
    await visitor.choose('Unload a ship')
    await visitor.page.getByLabel('pause').fill('1')
    const run = await visitor.call()
    await run.getByText('Done').waitFor()
    expect(await run.getByText('containers are on the quay').count()).toBe(0)
  })

  test('shows a question, and sends the answer through another instance', async () => {
    const visitor = await arrive()
    await visitor.choose('Book a berth')
    await visitor.page.getByLabel('berth').fill('7')
    const run = await visitor.call()
    const question = run.getByRole('region', { name: 'The server asks you' })
    await question.getByText('Berth 7 is free. Who books it?').waitFor()
    await run.getByText('Waits for you').waitFor()
    expect(await visitor.page.evaluate('document.activeElement?.textContent')).toContain('The server asks you')
    expect(await visitor.faults()).toEqual([])
    await question.getByRole('button', { name: 'Send answer' }).click()
    await question.getByText('A value is required.').waitFor()
    await question.getByLabel('captain').fill('Ada')
    await question.getByLabel('nights').fill('3')
    await question.getByLabel('side').selectOption('starboard')
    await question.getByRole('button', { name: 'Send answer' }).click()
    await run.getByText('Berth 7 is booked for Ada: 3 nights, starboard side.').waitFor()
    const asked = await visitor.instanceAt(run, 'Asked by')
    const answered = await visitor.instanceAt(run, revision === '2025-11-25' ? 'Answer sent through' : 'Sent again')
    expect(answered).not.toBe(asked)
  })

  test('declines and dismisses a question', async () => {
    const visitor = await arrive()
    await visitor.choose('Book a berth')
    await visitor.page.getByLabel('berth').fill('7')
    for (const [button, action] of [
      ['Decline', 'decline'],
      ['Dismiss', 'cancel'],
    ] as const) {
      const run = await visitor.call()
      await run.getByRole('button', { name: button }).click()
      await run.getByText(`The captain has chosen: ${action}.`).waitFor()
    }
  })

  test('points to a question that waits elsewhere', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('Book a berth')
    await page.getByLabel('berth').fill('7')
    await (await visitor.call()).getByText('Waits for you').waitFor()
    await visitor.choose('Find a ship')
    expect(await visitor.faults()).toEqual([])
    await page.getByText('A question waits in').getByRole('link', { name: 'book_berth' }).click()
    await page.locator('article.run').getByRole('button', { name: 'Decline' }).click()
    await page.getByText('The captain has chosen: decline.').waitFor()
    expect(await page.getByText('A question waits in').isVisible()).toBe(false)
  })

  test('opens no page by itself, and names its host', async () => {
    const visitor = await arrive()
    await visitor.choose('sign_in')
    const run = await visitor.call()
    const question = run.getByRole('region', { name: 'The server asks you' })
    await question.getByText('office.example.com', { exact: true }).waitFor()
    const link = question.getByRole('link', { name: 'Open the page' })
    expect(await link.getAttribute('href')).toBe('https://office.example.com/sign-in')
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer')
    expect(await visitor.faults()).toEqual([])
    await question.getByRole('button', { name: 'Accept' }).click()
    await run.getByText('The person has chosen: accept.').waitFor()
  })

  test('answers for the model and for the folders, or declines', async () => {
    const visitor = await arrive()
    await visitor.choose('ask_model')
    const sampled = await visitor.call()
    await sampled.getByText('A name for a tug?').waitFor()
    await sampled.getByLabel('Reply of the model').fill('Bjørn')
    await sampled.getByRole('button', { name: 'Send reply' }).click()
    await sampled.getByText('The tug is called Bjørn.').waitFor()
    const declined = await visitor.call()
    await declined.getByRole('button', { name: 'Decline' }).click()
    await declined.getByText('Failed').waitFor()
    await visitor.choose('list_folders')
    const rooted = await visitor.call()
    await rooted.getByLabel('Roots, one a line').fill('https://example.com')
    await rooted.getByRole('button', { name: 'Send folders' }).click()
    await rooted.getByText('each begins with file://').waitFor()
    await rooted.getByLabel('Roots, one a line').fill('file:///home/ada\nfile:///srv')
    await rooted.getByRole('button', { name: 'Send folders' }).click()
    await rooted.getByText('Folders: file:///home/ada, file:///srv').waitFor()
  })

  test('cancels a call', async () => {
    const visitor = await arrive()
    await visitor.choose('Unload a ship')
    await visitor.page.getByLabel('pause').fill('60000')
    const run = await visitor.call()
    await run.getByText('Sent to').waitFor()
    await run.getByRole('button', { name: 'Cancel' }).click()
    await run.getByText('You cancelled this call.').waitFor()
    const calls = async () =>
      (await Promise.all(fleet.instances.map((instance) => instance.stats()))).map(({ calls }) => calls)
    await expect.poll(calls, PATIENT).toEqual([0, 0, 0])
  })

  test('shows a failed call as failed', async () => {
    const visitor = await arrive()
    await visitor.choose('run_aground')
    const run = await visitor.call()
    await run.getByText('Failed').waitFor()
    await run.getByText('There is a sandbank.').waitFor()
  })

  test('reads resources and templates, and gets prompts, with suggestions', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('Tides')
    await (await visitor.call('Read')).getByText('"03:12"').waitFor()
    await visitor.choose('A ship')
    await page.getByLabel('name').fill('s')
    await expect.poll(() => page.locator('datalist option').count(), PATIENT).toBe(2)
    await page.getByLabel('name').fill('sif')
    await (await visitor.call('Read')).getByText('sif is in the harbour.').waitFor()
    await visitor.choose('Greet a captain')
    await page.getByLabel('ship').fill('Hekla')
    await (await visitor.call('Get prompt')).getByText('Greet the captain of the Hekla.').waitFor()
  })

  test('follows changes of the lists, and of a resource that it subscribes to', async () => {
    const visitor = await arrive()
    const { page } = visitor
    await visitor.choose('Tides')
    await page.getByRole('button', { name: 'Subscribe', exact: true }).click()
    await page.getByRole('button', { name: 'Subscribed' }).waitFor()
    await fleet.instances[1]?.announce('updated', 'harbour://tides')
    await page.locator('.toasts').getByText('harbour://tides has changed').waitFor()
    await fleet.instances[2]?.announce('tools')
    await page.locator('.toasts').getByText('The lists of the server have changed').waitFor()
    await page.getByRole('button', { name: 'Subscribed' }).click()
    await page.getByRole('button', { name: 'Subscribe', exact: true }).waitFor()
  })

  test('is used from the keyboard alone', async () => {
    const visitor = await arrive()
    const { page } = visitor
    const focused = () => page.evaluate("document.activeElement?.textContent?.trim() ?? ''")
    if (revision === '2025-11-25') {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe('Skip to the view')
    }
    const search = page.getByRole('searchbox')
    await search.focus()
    await page.keyboard.type('book_berth')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Book a berth' }).waitFor()
    expect(await focused()).toContain('Book a berth')
    await page.getByLabel('berth').focus()
    await page.keyboard.type('3')
    await page.keyboard.press('Enter')
    const question = page.getByRole('region', { name: 'The server asks you' })
    await question.waitFor()
    // The switch between form and JSON comes first.
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('Ada')
    await page.keyboard.press('Enter')
    await page.getByText('Berth 3 is booked for Ada').waitFor()
  })

  test.each([
    { name: 'light', dark: false },
    { name: 'dark', dark: true },
    { name: 'narrow', width: 360, height: 740 },
    { name: 'narrow and dark', width: 360, height: 740, dark: true },
  ])('axe finds nothing, and nothing is too wide: $name', async ({ name: _, ...view }) => {
    const visitor = await arrive(view)
    const { page } = visitor
    const isTooWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth')
    const browse = page.getByRole('button', { name: 'Browse' })
    for (const title of ['Overview', 'Find a ship', 'describe_cargo', 'Unload a ship', 'Tides', 'Greet a captain']) {
      if (await browse.isVisible()) await browse.click()
      await visitor.item(title).click()
      if (title === 'Unload a ship') {
        await page.getByLabel('pause').fill('1')
        await (await visitor.call()).getByText('Done').waitFor()
        await page.locator('.message summary').last().click()
      }
      expect(await visitor.faults(), title).toEqual([])
      expect(await isTooWide(), title).toBe(false)
    }
  })
})

describe.each(['2025-11-25', '2026-07-28'])('an instance that is killed during a question, in %s', (revision) => {
  let fleet: Fleet
  afterEach(async () => {
    await leave()
    await fleet?.stop()
  })

  async function askThenKill(tool: string) {
    fleet = await harbour()
    const visitor = await visit(fleet)
    await visitor.connected()
    await visitor.useRevision(revision)
    await visitor.choose(tool)
    await visitor.page.getByLabel('berth').fill('7')
    const run = await visitor.call()
    await run.getByText('Waits for you').waitFor()
    const asked = await visitor.instanceAt(run, 'Asked by')
    const ids = await Promise.all(fleet.instances.map(async (instance) => (await instance.stats()).id))
    const index = ids.findIndex((id) => asked === `Instance ${id}`)
    expect(index).toBeGreaterThanOrEqual(0)
    fleet.proxy.setTarget(index, undefined)
    await fleet.instances[index]?.kill()
    return { visitor, run, asked }
  }

  /** The browser reports the connection that broke. */
  function expectBroken(visitor: Visitor): void {
    const broken = visitor.problems.splice(0)
    for (const problem of broken) expect(problem).toMatch(/net::ERR_/)
  }

  test('a call that may run again goes on elsewhere, asks there, and is answered', async () => {
    const { visitor, run, asked } = await askThenKill('Book a berth')
    if (revision === '2025-11-25') await run.getByText('Resumed the stream at').first().waitFor()
    // Where the run is a new one, it has asked again.
    const question = run.getByRole('region', { name: 'The server asks you' }).last()
    if (revision === '2025-11-25') {
      await run.getByText('Another one asks again.').waitFor()
      expect(await run.getByRole('button', { name: 'Send answer' }).count()).toBe(1)
    }
    await question.getByLabel('captain').fill('Ada')
    await question.getByRole('button', { name: 'Send answer' }).click()
    await run.getByText('Berth 7 is booked for Ada: 1 nights, port side.').waitFor()
    const last = await run.locator('.step.answer').last().locator('.chip').getAttribute('title')
    expect(last).not.toBe(asked)
    await run.getByText('Done').waitFor()
    expectBroken(visitor)
  })

  test('a call that may not run again ends with the reason; without a session no instance is needed between question and answer', async () => {
    const { visitor, run } = await askThenKill('book_once')
    if (revision === '2025-11-25') {
      await run.getByText('Failed').waitFor()
      await run.getByText('The call is over.').waitFor()
      expect(await run.locator('.outcome').textContent()).toMatch(/instance/i)
    } else {
      await run.getByRole('button', { name: 'Decline' }).click()
      await run.getByText('The captain has chosen: decline.').waitFor()
    }
    expectBroken(visitor)
  })
})

describe('other servers', () => {
  let fleet: Fleet
  afterEach(async () => {
    await leave()
    await fleet?.stop()
  })

  test('one with 200 tools is listed, searched and called', async () => {
    fleet = await startFleet({}, { module: '../more/page/many.ts' })
    const visitor = await visit(fleet, {}, '/mcp')
    const { page } = visitor
    await visitor.connected()
    expect(await page.getByRole('navigation').getByRole('listitem').count()).toBe(200)
    expect(await visitor.faults()).toEqual([])
    await page.getByRole('searchbox').fill('number 17')
    await expect.poll(() => page.getByRole('navigation').getByRole('listitem').count(), PATIENT).toBe(12)
    await page.getByText('12 of 200').waitFor()
    await visitor.choose('tool_171')
    const run = await visitor.call()
    await run.getByText('tool_171', { exact: true }).last().waitFor()
    await page.getByRole('searchbox').fill('nothing')
    await page.getByText('Nothing is called so.').waitFor()
  })

  test('one with nothing shows what it is, and how clients are connected', async () => {
    fleet = await startFleet({}, { module: '../more/page/none.ts' })
    for (const dark of [false, true]) {
      const visitor = await visit(fleet, { dark }, '/mcp')
      const { page } = visitor
      await visitor.connected()
      await page.getByRole('heading', { level: 1, name: 'none' }).waitFor()
      await page.getByRole('heading', { name: 'Connect a client' }).waitFor()
      expect(await page.getByRole('searchbox').isVisible()).toBe(false)
      for (const choice of await page.locator('.tabs label').all()) {
        await choice.click()
        expect(await visitor.faults()).toEqual([])
      }
    }
  })

  test('without streams of the session nothing is missed', async () => {
    fleet = await harbour({ session: { ...SHORT, getPolicy: 'off' } })
    const visitor = await visit(fleet)
    await visitor.connected()
    await visitor.choose('Book a berth')
    await visitor.page.getByLabel('berth').fill('7')
    const run = await visitor.call()
    await run.getByLabel('captain').fill('Ada')
    await run.getByRole('button', { name: 'Send answer' }).click()
    await run.getByText('is booked for Ada').waitFor()
    for (const problem of visitor.problems.splice(0)) expect(problem).toMatch(/405/)
  })

  test('one whose session has ended says so, and opens a new one', async () => {
    fleet = await harbour()
    const visitor = await visit(fleet)
    const { page } = visitor
    await visitor.connected()
    const [request] = await Promise.all([
      page.waitForRequest((sent) => sent.method() === 'POST' && (sent.postData() ?? '').includes('find_ship')),
      visitor.choose('Find a ship').then(() => visitor.call()),
    ])
    const session = (await request.allHeaders())['mcp-session-id'] ?? ''
    await fetch(fleet.url, { method: 'DELETE', headers: { 'mcp-session-id': session } })
    await visitor.call()
    const alert = page.getByRole('alert')
    await alert.getByText('The session is gone').waitFor()
    expect(await visitor.faults()).toEqual([])
    await alert.getByRole('button', { name: 'Open a new session' }).click()
    await visitor.connected()
    await (await visitor.call()).getByText('Done').waitFor()
    for (const problem of visitor.problems.splice(0)) expect(problem).toMatch(/404|ERR_/)
  })
})
