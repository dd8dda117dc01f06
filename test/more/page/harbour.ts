/** A server with something of every kind, for the check of the page. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Context, McpServer, ResourceTemplate } from '../../../lib/index.ts'
import { page } from '../../../lib/page.ts'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

const ANCHOR =
  'data:image/svg+xml;base64,' +
  Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b6e77"/><g fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round"><circle cx="16" cy="8.5" r="2.5"/><path d="M16 11v15M11 14.5h10M7 18c.6 5 4.3 8 9 8s8.4-3 9-8"/></g></svg>',
  ).toString('base64')

export const server = new McpServer(
  {
    name: 'harbour',
    title: 'Harbour',
    version: '2.4.0',
    description: 'Berths, ships and tides of a small harbour.',
    icons: [{ src: ANCHOR, mimeType: 'image/svg+xml' }],
  },
  {
    instructions:
      'Look up ships with find_ship before you book a berth. Times are those of the harbour.\nAsk the captain before anything leaves.',
  },
)

server.registerTool(
  'find_ship',
  {
    title: 'Find a ship',
    description: 'Finds ships by name, by flag, or by what they carry.',
    inputSchema: z.object({
      name: z.string().optional().describe('A part of the name'),
      flag: z.enum(['Denmark', 'Iceland', 'Norway']).optional(),
      cargo: z
        .array(z.enum(['grain', 'fish', 'timber', 'passengers']))
        .optional()
        .describe('Any of these'),
      longest: z.int().min(1).max(400).default(120).describe('Length in metres'),
    }),
    outputSchema: z.object({ ships: z.array(z.object({ name: z.string(), flag: z.string(), berth: z.int() })) }),
    annotations: { readOnlyHint: true },
  },
  ({ name = '' }) => ({
    structuredContent: {
      ships: [
        { name: 'Sif', flag: 'Denmark', berth: 4 },
        { name: 'Hekla', flag: 'Iceland', berth: 11 },
      ].filter((ship) => ship.name.toLowerCase().includes(name.toLowerCase())),
    },
  }),
)

server.registerTool(
  'unload',
  {
    title: 'Unload a ship',
    description: 'Unloads containers one after the other, and reports each.',
    inputSchema: z.object({
      containers: z.int().min(1).max(50).default(8),
      pause: z.int().min(0).max(60_000).default(150).describe('ms for each'),
    }),
    annotations: { idempotentHint: true },
  },
  async ({ containers, pause }, ctx) => {
    for (let n = 1; n <= containers; n++) {
      await sleep(pause, undefined, { signal: ctx.signal })
      await ctx.progress(n, containers, `container ${n}`)
      if (n % 4 === 0) await ctx.log('info', `${n} containers are on the quay`, 'crane')
    }
    return text(`${containers} containers are unloaded.`)
  },
)

const booking = z.object({
  captain: z.string().min(1).describe('Who signs'),
  email: z.email().optional(),
  nights: z.int().min(1).max(30).default(1),
  side: z.enum(['port', 'starboard']).default('port'),
  power: z.boolean().default(true).describe('Power from the shore'),
})

async function book(berth: number, ctx: Context) {
  await ctx.progress(1, 2, 'The berth is free')
  const answer = await ctx.elicit(`Berth ${berth} is free. Who books it?`, booking, { key: 'booking' })
  if (answer.action !== 'accept') return text(`The captain has chosen: ${answer.action}.`)
  const { captain, nights, side } = answer.content
  return text(`Berth ${berth} is booked for ${captain}: ${nights} nights, ${side} side.`)
}

server.registerTool(
  'book_berth',
  {
    title: 'Book a berth',
    description: 'Books a berth, and asks who signs.',
    inputSchema: z.object({ berth: z.int().min(1).max(20).describe('The number on the quay') }),
    annotations: { destructiveHint: false, idempotentHint: true },
  },
  ({ berth }, ctx) => book(berth, ctx),
)

server.registerTool(
  'book_once',
  {
    description: 'The same. It cannot be run a second time: where its instance dies, the call fails.',
    inputSchema: z.object({ berth: z.int() }),
  },
  ({ berth }, ctx) => book(berth, ctx),
)

server.registerTool(
  'describe_cargo',
  {
    description: 'Repeats its arguments: objects, lists, variants, null and JSON.',
    inputSchema: z.object({
      sender: z.object({ name: z.string(), city: z.string().optional() }),
      pieces: z.array(z.object({ label: z.string(), weight: z.number().positive() })).min(1),
      packing: z.union([
        z.object({ type: z.literal('crate'), wood: z.string() }),
        z.object({ type: z.literal('sack'), count: z.int() }),
      ]),
      insured: z.boolean(),
      remark: z.string().nullable(),
      more: z.record(z.string(), z.unknown()).optional(),
    }),
  },
  (cargo) => text(JSON.stringify(cargo)),
)

server.registerTool('ask_model', { description: 'Asks the model of the client for a name.' }, async (ctx) => {
  const { content } = await ctx.sample({
    systemPrompt: 'You name ships.',
    messages: [{ role: 'user', content: { type: 'text', text: 'A name for a tug?' } }],
    maxTokens: 20,
  })
  const blocks = Array.isArray(content) ? content : [content]
  return text(
    `The tug is called ${blocks.map((block) => (block.type === 'text' ? block.text : block.type)).join(' ')}.`,
  )
})

server.registerTool('list_folders', { description: 'Asks the client for its folders.' }, async (ctx) =>
  text(`Folders: ${(await ctx.listRoots()).map(({ uri }) => uri).join(', ')}`),
)

server.registerTool('sign_in', { description: 'Asks the person to open a page.' }, async (ctx) => {
  const { action } = await ctx.elicitUrl('Please sign in at the harbour office.', 'https://office.example.com/sign-in')
  return text(`The person has chosen: ${action}.`)
})

server.registerTool('run_aground', { description: 'Fails.' }, () => {
  throw new Error('There is a sandbank.')
})

server.registerResource(
  'tides',
  'harbour://tides',
  { title: 'Tides', description: 'High and low water of today', mimeType: 'application/json' },
  (uri) => ({
    contents: [
      {
        uri: uri.href,
        mimeType: 'application/json',
        text: JSON.stringify({ high: ['03:12', '15:38'], low: ['09:25', '21:50'] }),
      },
    ],
  }),
)

const SHIPS = ['hekla', 'sif', 'skjold']
server.registerResource(
  'ship',
  new ResourceTemplate('harbour://ships/{name}', {
    list: undefined,
    complete: { name: (typed) => SHIPS.filter((ship) => ship.startsWith(typed)) },
  }),
  { title: 'A ship', description: 'What the harbour knows of a ship', mimeType: 'text/plain' },
  (uri, { name }) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: `${name} is in the harbour.` }] }),
)

server.registerPrompt(
  'greet_captain',
  {
    title: 'Greet a captain',
    description: 'A greeting over the radio',
    argsSchema: z.object({ ship: z.string().describe('The name of the ship'), language: z.string().optional() }),
    complete: { ship: (typed) => SHIPS.filter((ship) => ship.startsWith(typed)) },
  },
  ({ ship }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet the captain of the ${ship}.` } }],
  }),
)

export const serving = { page }
