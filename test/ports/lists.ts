/** The lists of a server, in a form in which servers of the official SDK and of this package can be compared. */
import type { Client as Client2 } from '@modelcontextprotocol/client'
import type { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'

type Json = Record<string, unknown>

export interface Lists {
  tools: Json[]
  prompts: Json[]
  resources: Json[]
  templates: Json[]
}

/** What the client is shown, sorted by name. Lists that the server does not offer are empty. */
export async function listsOf(client: Client1 | Client2): Promise<Lists> {
  const offers = client.getServerCapabilities() ?? {}
  const [tools, prompts, resources, templates] = await Promise.all([
    offers.tools ? client.listTools().then((result) => result.tools) : [],
    offers.prompts ? client.listPrompts().then((result) => result.prompts) : [],
    offers.resources ? client.listResources().then((result) => result.resources) : [],
    offers.resources ? client.listResourceTemplates().then((result) => result.resourceTemplates) : [],
  ])
  return {
    tools: sorted(tools).map(comparableTool),
    prompts: sorted(prompts),
    resources: sorted(resources),
    templates: sorted(templates),
  }
}

function sorted(items: readonly { name: string }[]): Json[] {
  return items.map((item) => ({ ...item })).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Without what the SDK adds and JSON Schema takes as the same. docs/sdk.md lists these differences. */
function comparableTool({ execution: _, inputSchema, outputSchema, ...tool }: Json): Json {
  return {
    ...tool,
    inputSchema: comparableSchema(inputSchema),
    ...(outputSchema !== undefined && { outputSchema: comparableSchema(outputSchema) }),
  }
}

function comparableSchema(schema: unknown): unknown {
  const { $schema: _, ...rest } = schema as Json
  return rest
}
