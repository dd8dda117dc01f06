/** The page of an endpoint that needs tokens: it shows the name and how clients are connected, until a token is there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Signer } from '../../support/authorization.ts'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import type { Browser } from './playwright.ts'
import { launch, Visitor } from './visitor.ts'

let browser: Browser
let fleet: Fleet
let signer: Signer
beforeAll(async () => {
  signer = await Signer.create('https://auth.example.com', 'https://mcp.example.com/mcp')
  const { issuer, resource, keys } = signer
  const auth = { issuer, resource, jwks: keys }
  const options = { auth }
  ;[browser, fleet] = await Promise.all([launch(), startFleet(options, { module: '../more/page/guarded.ts' })])
})
afterAll(async () => {
  await browser?.close()
  await fleet?.stop()
})

test('shows nothing but the name and the connections, then what the token lets in, and forgets it', async () => {
  const visitor = await Visitor.open(browser, new URL('/mcp', fleet.url))
  const { page } = visitor
  await page.getByText('Needs a token', { exact: true }).waitFor()
  await page.getByRole('heading', { level: 1, name: 'Guarded' }).waitFor()
  await page.getByRole('heading', { name: 'Connect a client' }).waitFor()
  expect(await page.getByText('A secret instruction').count()).toBe(0)
  expect(await page.locator('.message').count()).toBe(0)
  expect(await visitor.faults()).toEqual([])

  const token = page.getByLabel('Bearer token')
  await token.fill('wrong')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('The endpoint does not take this token').waitFor()
  expect(await visitor.faults()).toEqual([])
  for (const problem of visitor.problems.splice(0)) expect(problem).toMatch(/401/)

  await page.getByLabel('Bearer token').fill(await signer.token({ scope: 'berths:read' }))
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('Connected', { exact: true }).waitFor()
  await page.getByText('A secret instruction').waitFor()
  const lists = page.getByRole('navigation')
  await lists.getByRole('link', { name: 'look' }).waitFor()
  // It has no more rights than its visitor.
  expect(await lists.getByRole('link', { name: 'purge' }).count()).toBe(0)
  await visitor.choose('look')
  await (await visitor.call()).getByText('ada').waitFor()
  await visitor.useRevision('2026-07-28')
  await (await visitor.call()).getByText('ada').waitFor()

  const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')
  expect(kept).toBe('[{},{},""]')
  await page.getByRole('button', { name: 'Forget the token' }).click()
  await page.getByText('Needs a token', { exact: true }).waitFor()
  expect(await lists.getByRole('link', { name: 'look' }).count()).toBe(0)
  await page.reload()
  await page.getByText('Needs a token', { exact: true }).waitFor()
  expect(visitor.elsewhere).toEqual([])
  expect(visitor.problems).toEqual([])
  await visitor.close()
})
