/**
 * The example server: notes. Replace it with yours.
 *
 * Every instance runs this file, and any of them may get the next request. So nothing is kept in variables: `ctx.user`,
 * `ctx.session` and `ctx.handles` keep values where all instances see them.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type Context, ErrorCode, McpServer, ProtocolError, ResourceTemplate, resourceNotFound } from '../lib/index.ts'

type Note = { id: string; title: string; text: string }

const notesOf = async (ctx: Context) => (await ctx.user.get<Note[]>('notes')) ?? []
const textResult = (text: string) => ({ content: [{ type: 'text' as const, text }] })

// The notes of a user concern no other user: only the user's own clients get the announcement.
async function save(ctx: Context, ...added: Note[]) {
  await ctx.user.set('notes', [...(await notesOf(ctx)), ...added])
  await ctx.announce.resourcesChanged({ to: ctx.principal })
}

export const server = new McpServer(
  { name: 'notes', version: '1.0.0', title: 'Notes' },
  { instructions: 'Notes of the user. Read them as resources, notes://{id}; add and delete them with tools.' },
)

// A tool: arguments are checked before the handler is called, and their types come from the schema.
server.registerTool(
  'add_note',
  {
    description: 'Add a note',
    inputSchema: z.object({ title: z.string().min(1), text: z.string() }),
    outputSchema: z.object({ id: z.string() }),
  },
  async ({ title, text }, ctx) => {
    const id = randomUUID().slice(0, 8)
    await save(ctx, { id, title, text })
    return { structuredContent: { id } }
  },
)

// Progress: the response becomes a stream with the first message.
server.registerTool(
  'import_notes',
  { description: 'Add many notes, one a line', inputSchema: z.object({ lines: z.array(z.string()).max(1000) }) },
  async ({ lines }, ctx) => {
    const notes: Note[] = []
    for (const line of lines) {
      ctx.signal.throwIfAborted()
      notes.push({ id: randomUUID().slice(0, 8), title: line, text: line })
      await ctx.progress(notes.length, lines.length, line)
    }
    await save(ctx, ...notes)
    return textResult(`Added ${notes.length} notes.`)
  },
)

// Asking the user. The handler is the same for clients with and without a session.
server.registerTool(
  'delete_note',
  { description: 'Delete a note', inputSchema: z.object({ id: z.string() }), annotations: { destructiveHint: true } },
  async ({ id }, ctx) => {
    const notes = await notesOf(ctx)
    const note = notes.find((known) => known.id === id)
    if (note === undefined) throw new Error(`There is no note ${id}.`)
    const answer = await ctx.elicit(`Delete "${note.title}"?`, z.object({ sure: z.boolean() }))
    if (answer.action !== 'accept' || !answer.content.sure) return textResult('Left as it was.')
    await ctx.user.set(
      'notes',
      notes.filter((known) => known.id !== id),
    )
    await ctx.announce.resourcesChanged({ to: ctx.principal })
    return textResult('Deleted.')
  },
)

// Values of a session. Clients of the newest revision have no session: a handle works for every client.
server.registerTool('count_calls', { description: 'How often this was called in this session' }, async (ctx) => {
  if (ctx.session === undefined) return textResult('This client has no session.')
  const calls = ((await ctx.session.get<number>('calls')) ?? 0) + 1
  await ctx.session.set('calls', calls)
  return textResult(`${calls} times.`)
})

server.registerTool(
  'start_draft',
  { description: 'Keep a text as a draft for a day; returns its handle', inputSchema: z.object({ text: z.string() }) },
  async ({ text }, ctx) => textResult(await ctx.handles.create(text)),
)

server.registerTool(
  'publish_draft',
  { description: 'Make a draft a note', inputSchema: z.object({ draft: z.string(), title: z.string() }) },
  async ({ draft, title }, ctx) => {
    const text = await ctx.handles.get<string>(draft)
    if (text === undefined) throw new Error('There is no such draft, or it is older than a day.')
    await save(ctx, { id: randomUUID().slice(0, 8), title, text })
    await ctx.handles.delete(draft)
    return textResult('Published.')
  },
)

// A resource at a fixed URI, and resources of a URI template.
server.registerResource(
  'titles',
  'notes://',
  { description: 'All titles', mimeType: 'text/plain' },
  async (uri, ctx) => {
    const titles = (await notesOf(ctx)).map((note) => note.title)
    return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: titles.join('\n') }] }
  },
)

const idsOf = async (typed: string, ctx: Context) =>
  (await notesOf(ctx)).map((note) => note.id).filter((id) => id.startsWith(typed))

server.registerResource(
  'note',
  new ResourceTemplate('notes://{id}', {
    list: async (ctx) => ({
      resources: (await notesOf(ctx)).map(({ id, title }) => ({ uri: `notes://${id}`, name: id, title })),
    }),
    complete: { id: (typed, _context, ctx) => idsOf(typed, ctx) },
  }),
  { description: 'One note', mimeType: 'text/plain' },
  async (uri, { id }, ctx) => {
    const note = (await notesOf(ctx)).find((known) => known.id === id)
    if (note === undefined) throw resourceNotFound(uri.href, ctx)
    return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: note.text }] }
  },
)

// A prompt, with suggestions for its argument while the user types.
server.registerPrompt(
  'summarize',
  {
    description: 'Summarize a note',
    argsSchema: z.object({ id: z.string() }),
    complete: { id: (typed, _context, ctx) => idsOf(typed, ctx) },
  },
  async ({ id }, ctx) => {
    const note = (await notesOf(ctx)).find((known) => known.id === id)
    if (note === undefined) throw new ProtocolError(ErrorCode.InvalidParams, `There is no note ${id}.`)
    return { messages: [{ role: 'user', content: { type: 'text', text: `Summarize this note:\n\n${note.text}` } }] }
  },
)
