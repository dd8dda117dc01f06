/**
 * Resources, a template with its completions, prompts, and announcing changes to subscribers.
 * `npm start -- examples/resources-and-prompts.ts`
 *
 * Any instance may serve the next request. Therefore the readings are in `ctx.user`, not in a variable.
 */
import { type Context, completable, McpServer, ResourceTemplate, resourceNotFound } from 'mcp-anywhere'
import { z } from 'zod'

export const server = new McpServer({ name: 'weather', version: '1.0.0' })

type Readings = Record<string, number>
const readingsOf = async (ctx: Context) => (await ctx.user.get<Readings>('readings')) ?? {}
const citiesLike = async (typed: string, ctx: Context) =>
  Object.keys(await readingsOf(ctx)).filter((city) => city.startsWith(typed))

// A resource at a fixed URI.
server.registerResource(
  'cities',
  'weather://',
  { description: 'All cities', mimeType: 'text/plain' },
  async (uri, ctx) => ({
    contents: [{ uri: uri.href, text: Object.keys(await readingsOf(ctx)).join('\n') }],
  }),
)

// A family of resources, with a list of those that exist, and completions for the variable.
server.registerResource(
  'city',
  new ResourceTemplate('weather://{city}', {
    list: async (ctx) => ({
      resources: Object.keys(await readingsOf(ctx)).map((city) => ({ uri: `weather://${city}`, name: city })),
    }),
    complete: { city: (typed, _context, ctx) => citiesLike(typed, ctx) },
  }),
  { description: 'The temperature in a city', mimeType: 'application/json' },
  async (uri, { city }, ctx) => {
    const celsius = (await readingsOf(ctx))[String(city)]
    if (celsius === undefined) throw resourceNotFound(uri.href, ctx)
    return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ celsius }) }] }
  },
)

// Clients that subscribed to the URI get the update, whichever instance they are connected to.
server.registerTool(
  'report',
  {
    description: 'Reports the temperature in a city',
    inputSchema: z.object({ city: z.string().regex(/^[a-z]+$/), celsius: z.number() }),
  },
  async ({ city, celsius }, ctx) => {
    const readings = await readingsOf(ctx)
    await ctx.user.set('readings', { ...readings, [city]: celsius })
    if (!(city in readings)) await ctx.announce.resourcesChanged()
    await ctx.announce.resourceUpdated(`weather://${city}`)
    return { content: [{ type: 'text', text: `${city}: ${celsius}` }] }
  },
)

// A prompt. `completable` gives an argument its completions; `complete` in the configuration does so for any schema.
server.registerPrompt(
  'compare',
  {
    description: 'Compares the weather of two cities',
    argsSchema: z.object({
      first: completable(z.string(), (typed, _context, ctx) => citiesLike(typed, ctx)),
      second: z.string(),
    }),
    complete: {
      // `settled.arguments` has the arguments that are already chosen.
      second: async (typed, settled, ctx) =>
        (await citiesLike(typed, ctx)).filter((city) => city !== settled.arguments.first),
    },
  },
  async ({ first, second }, ctx) => {
    const readings = await readingsOf(ctx)
    const text = `Compare ${first} (${readings[first]} °C) with ${second} (${readings[second]} °C).`
    return { messages: [{ role: 'user', content: { type: 'text', text } }] }
  },
)
