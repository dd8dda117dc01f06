/**
 * The server: a list of things to do.
 *
 * Any number of instances run this file, and each request may reach another one. Nothing is kept in variables therefore:
 * `ctx.user` keeps values where all instances see them.
 */
import { type Context, McpServer } from 'mcp-anywhere'
import { z } from 'zod'

const todosOf = async (ctx: Context) => (await ctx.user.get<string[]>('todos')) ?? []
const textResult = (text: string) => ({ content: [{ type: 'text' as const, text }] })

async function save(ctx: Context, todos: string[]) {
  await ctx.user.set('todos', todos)
  await ctx.announce.resourcesChanged({ to: ctx.principal })
}

export const server = new McpServer(
  { name: '{{name}}', version: '0.1.0' },
  { instructions: 'A list of things to do. Read it as the resource todo://list, and change it with the tools.' },
)

// A tool with progress. The arguments have been checked, and their types come from the schema.
server.registerTool(
  'add_todos',
  { description: 'Add things to do', inputSchema: z.object({ todos: z.array(z.string().min(1)).min(1).max(100) }) },
  async ({ todos }, ctx) => {
    const all = await todosOf(ctx)
    for (const [i, todo] of todos.entries()) {
      all.push(todo)
      await ctx.progress(i + 1, todos.length, todo)
    }
    await save(ctx, all)
    return textResult(`There are ${all.length} things to do.`)
  },
)

// A tool that asks the user. The handler is the same for clients with and without a session.
server.registerTool(
  'clear_todos',
  { description: 'Remove everything from the list', annotations: { destructiveHint: true } },
  async (ctx) => {
    const { length } = await todosOf(ctx)
    const answer = await ctx.elicit(`Remove ${length} things to do?`, z.object({ sure: z.boolean() }))
    if (answer.action !== 'accept' || !answer.content.sure) return textResult('Left as it was.')
    await save(ctx, [])
    return textResult(`Removed ${length}.`)
  },
)

server.registerResource(
  'list',
  'todo://list',
  { description: 'Everything that is to do, one a line', mimeType: 'text/plain' },
  async (uri, ctx) => ({
    contents: [{ uri: uri.href, mimeType: 'text/plain', text: (await todosOf(ctx)).join('\n') }],
  }),
)

server.registerPrompt(
  'plan_day',
  { description: 'Plan the day', argsSchema: z.object({ hours: z.string().describe('How many hours there are') }) },
  async ({ hours }, ctx) => {
    const todos = (await todosOf(ctx)).map((todo) => `- ${todo}`).join('\n')
    return { messages: [{ role: 'user', content: { type: 'text', text: `Plan ${hours} hours for:\n\n${todos}` } }] }
  },
)
