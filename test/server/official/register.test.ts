/** The register calls: the same code gives the same server with the official SDK and here. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { lines, lines1, lines2, text, textOf } from './lines.ts'

const echo = (args: unknown) => text(JSON.stringify(args))

describe('registerTool', () => {
  test.each(lines)('takes a raw shape, and shows title, description, annotations and _meta (%s)', async (_, line) => {
    const server = line.create()
    const config = {
      title: 'Add',
      description: 'Adds',
      inputSchema: { a: z.number().describe('one'), b: z.number().default(2) },
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/one': 1 },
    }
    server.registerTool('add', config, ({ a, b }: { a: number; b: number }) => text(String(a + b)))
    const client = await line.connect(server)
    const [tool] = (await client.listTools()).tools
    expect(tool).toMatchObject({
      name: 'add',
      title: 'Add',
      description: 'Adds',
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/one': 1 },
      inputSchema: {
        type: 'object',
        properties: { a: { type: 'number', description: 'one' }, b: { type: 'number', default: 2 } },
        required: ['a'],
      },
    })
    expect(textOf(await client.callTool({ name: 'add', arguments: { a: 1 } }))).toBe('3')
  })

  test.each(lines)('takes an empty shape, and the handler gets an object and the context (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('none', { inputSchema: {} }, (args: object, ctx: { signal?: object; mcpReq?: object }) =>
      text(`${JSON.stringify(args)} ${typeof (ctx.signal ?? ctx.mcpReq)}`),
    )
    const client = await line.connect(server)
    expect((await client.listTools()).tools[0]?.inputSchema).toMatchObject({ type: 'object', properties: {} })
    expect(textOf(await client.callTool({ name: 'none', arguments: {} }))).toBe('{} object')
  })

  test.each(lines)('gives the context alone to a handler without a schema (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('none', {}, (...args: object[]) => text(String(args.length)))
    const client = await line.connect(server)
    expect((await client.listTools()).tools[0]?.inputSchema).toMatchObject({ type: 'object' })
    expect(textOf(await client.callTool({ name: 'none' }))).toBe('1')
  })

  test.each(lines)('takes an object schema and schemas that change their input (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('object', { inputSchema: z.object({ at: z.coerce.number() }) }, echo)
    const before = (value: unknown) => ({ ...(value as object), late: 'yes' })
    server.registerTool('before', { inputSchema: z.preprocess(before, z.object({ late: z.string() })) }, echo)
    const client = await line.connect(server)
    expect(textOf(await client.callTool({ name: 'object', arguments: { at: '7' } }))).toBe('{"at":7}')
    expect(textOf(await client.callTool({ name: 'before', arguments: {} }))).toBe('{"late":"yes"}')
  })

  test.each(lines)('takes an outputSchema as a raw shape or an object (%s)', async (_, line) => {
    const server = line.create()
    const result = () => ({ ...text('3'), structuredContent: { sum: 3 } })
    server.registerTool('shape', { outputSchema: { sum: z.number() } }, result)
    server.registerTool('object', { outputSchema: z.object({ sum: z.number() }) }, result)
    const client = await line.connect(server)
    for (const { name, outputSchema } of (await client.listTools()).tools) {
      expect(outputSchema).toMatchObject({ type: 'object', properties: { sum: { type: 'number' } } })
      expect((await client.callTool({ name })).structuredContent).toEqual({ sum: 3 })
    }
  })

  test.each(lines)('answers arguments that do not fit with a result that a model can read (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('add', { inputSchema: { a: z.number() } }, echo)
    const client = await line.connect(server)
    const result = await client.callTool({ name: 'add', arguments: { a: 'one' } })
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('add')
  })

  test.each(lines)('answers a result that does not fit the outputSchema with isError (%s)', async (_, line) => {
    const server = line.create()
    server.registerTool('add', { outputSchema: { sum: z.number() } }, () => ({
      ...text('three'),
      structuredContent: { sum: 'three' },
    }))
    const client = await line.connect(server)
    await client.listTools()
    const result = await client.callTool({ name: 'add' })
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('add')
  })

  test.each(lines2)('shows icons (%s)', async (_, line) => {
    const server = line.create()
    const icons = [{ src: 'https://example.com/icon.png' }]
    server.registerTool('tool', { icons }, () => text(''))
    server.registerPrompt('prompt', { icons }, () => ({ messages: [] }))
    const client = await line.connect(server)
    expect((await client.listTools()).tools[0]?.icons).toEqual(icons)
    expect((await client.listPrompts()).prompts[0]?.icons).toEqual(icons)
  })

  test.each(lines)('takes names of 128 characters (%s)', async (_, line) => {
    const server = line.create()
    const name = 'n'.repeat(128)
    server.registerTool(name, {}, () => text('long'))
    const client = await line.connect(server)
    expect(textOf(await client.callTool({ name }))).toBe('long')
  })

  test('refuses names with other characters than the specification has; the SDK warns', () => {
    for (const [name, line] of lines) {
      const register = () => line.create().registerTool('two words', {}, () => text(''))
      if (name === 'here') expect(register).toThrow('two words')
      else expect(register).not.toThrow()
    }
  })

  test.each(lines)('refuses a name that is taken (%s)', (_, line) => {
    const server = line.create()
    server.registerTool('one', {}, () => text(''))
    expect(() => server.registerTool('one', {}, () => text(''))).toThrow('already registered')
    server.registerPrompt('one', {}, () => ({ messages: [] }))
    expect(() => server.registerPrompt('one', {}, () => ({ messages: [] }))).toThrow('already registered')
    server.registerResource('one', 'notes://one', {}, () => ({ contents: [] }))
    expect(() => server.registerResource('two', 'notes://one', {}, () => ({ contents: [] }))).toThrow(
      'already registered',
    )
  })
})

describe('tool()', () => {
  const shape = { a: z.string() }
  const annotations = { readOnlyHint: true }
  const overloads: [
    what: string,
    rest: unknown[],
    has: { description?: string; readOnly?: boolean; shape?: boolean },
  ][] = [
    ['a handler', [], {}],
    ['a description', ['Says'], { description: 'Says' }],
    ['a shape', [shape], { shape: true }],
    ['annotations', [annotations], { readOnly: true }],
    ['a description and a shape', ['Says', shape], { description: 'Says', shape: true }],
    ['a description and annotations', ['Says', annotations], { description: 'Says', readOnly: true }],
    ['a shape and annotations', [shape, annotations], { shape: true, readOnly: true }],
    ['all three', ['Says', shape, annotations], { description: 'Says', shape: true, readOnly: true }],
  ]
  const cases = lines1.flatMap(([name, line]) =>
    overloads.map(([what, ...more]) => [what, name, line, ...more] as const),
  )

  test.each(cases)('takes %s (%s)', async (_what, _name, line, rest, has) => {
    const server = line.create()
    server.tool('say', ...rest, (...args: unknown[]) => text(JSON.stringify(has.shape ? args[0] : args.length)))
    const client = await line.connect(server)
    const [tool] = (await client.listTools()).tools
    expect(tool?.description).toBe(has.description)
    expect(tool?.annotations?.readOnlyHint).toBe(has.readOnly)
    const result = await client.callTool({ name: 'say', arguments: has.shape ? { a: 'b' } : {} })
    expect(textOf(result)).toBe(has.shape ? '{"a":"b"}' : '1')
  })
})

describe('prompts', () => {
  const messagesOf = (value: string) => ({ messages: [{ role: 'user', content: { type: 'text', text: value } }] })

  test.each(lines)('registerPrompt takes a raw shape, with optional arguments (%s)', async (_, line) => {
    const server = line.create()
    const argsSchema = { city: z.string().describe('Where'), state: z.string().optional() }
    server.registerPrompt(
      'weather',
      { title: 'Weather', description: 'Asks', argsSchema },
      ({ city }: { city: string }) => messagesOf(city),
    )
    const client = await line.connect(server)
    expect((await client.listPrompts()).prompts).toEqual([
      {
        name: 'weather',
        title: 'Weather',
        description: 'Asks',
        arguments: [
          { name: 'city', description: 'Where', required: true },
          { name: 'state', required: false },
        ],
      },
    ])
    const { messages } = await client.getPrompt({ name: 'weather', arguments: { city: 'Paris' } })
    expect(messages).toEqual(messagesOf('Paris').messages)
  })

  test.each(lines)('registerPrompt without a schema gives the context alone (%s)', async (_, line) => {
    const server = line.create()
    server.registerPrompt('simple', { description: 'Asks' }, (...args: unknown[]) => messagesOf(String(args.length)))
    const client = await line.connect(server)
    expect((await client.getPrompt({ name: 'simple' })).messages).toEqual(messagesOf('1').messages)
  })

  test.each(lines1)('prompt() takes every overload (%s)', async (_, line) => {
    const server = line.create()
    const shape = { a: z.string() }
    const handler = (...args: unknown[]) => messagesOf(String(args.length))
    server.prompt('one', handler)
    server.prompt('two', 'Asks', handler)
    server.prompt('three', shape, handler)
    server.prompt('four', 'Asks', shape, handler)
    const client = await line.connect(server)
    const { prompts } = await client.listPrompts()
    expect(prompts.map(({ name, description, arguments: args }) => [name, description, args?.length ?? 0])).toEqual([
      ['one', undefined, 0],
      ['two', 'Asks', 0],
      ['three', undefined, 1],
      ['four', 'Asks', 1],
    ])
    for (const [name, count] of Object.entries({ one: 1, two: 1, three: 2, four: 2 })) {
      const { messages } = await client.getPrompt({ name, arguments: { a: 'b' } })
      expect(messages).toEqual(messagesOf(String(count)).messages)
    }
  })

  test.each(lines)('completable gives the completions of an argument (%s)', async (_, line) => {
    const server = line.create()
    const argsSchema = {
      department: line.completable(z.string(), (typed) => ['Sales', 'Support'].filter((one) => one.startsWith(typed))),
      name: line.completable(z.string(), (typed, context) => [`${context?.arguments?.department}: ${typed}`]),
    }
    server.registerPrompt('team', { argsSchema }, () => messagesOf(''))
    const client = await line.connect(server)
    const ref = { type: 'ref/prompt' as const, name: 'team' }
    const complete = async (name: string, value: string, settled: Record<string, string> = {}) =>
      (await client.complete({ ref, argument: { name, value }, context: { arguments: settled } })).completion.values
    expect(await complete('department', 'Su')).toEqual(['Support'])
    expect(await complete('name', 'D', { department: 'Sales' })).toEqual(['Sales: D'])
  })
})

describe('resources', () => {
  const contentsOf = (uri: URL, value: string) => ({ contents: [{ uri: uri.href, text: value }] })

  test.each(lines)('registerResource serves a fixed URI (%s)', async (_, line) => {
    const server = line.create()
    const config = { title: 'One', description: 'A note', mimeType: 'text/plain', _meta: { 'example.com/one': 1 } }
    server.registerResource('one', 'notes://one', config, (uri: URL, ...more: unknown[]) =>
      contentsOf(uri, `${uri instanceof URL} ${more.length}`),
    )
    const client = await line.connect(server)
    expect((await client.listResources()).resources).toEqual([{ name: 'one', uri: 'notes://one', ...config }])
    expect((await client.readResource({ uri: 'notes://one' })).contents).toEqual([
      { uri: 'notes://one', text: 'true 1' },
    ])
  })

  test.each(lines)('registerResource serves a template, its list and its completions (%s)', async (_, line) => {
    const server = line.create()
    const template = line.template('notes://{id}', {
      list: () => ({ resources: [{ name: 'listed', uri: 'notes://listed' }] }),
      complete: { id: (typed: string) => [`${typed}1`, `${typed}2`] },
    })
    server.registerResource('note', template, { mimeType: 'text/plain' }, (uri: URL, { id }: { id: string }) =>
      contentsOf(uri, id),
    )
    const client = await line.connect(server)
    expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { name: 'note', uriTemplate: 'notes://{id}', mimeType: 'text/plain' },
    ])
    expect((await client.listResources()).resources).toMatchObject([{ name: 'listed', uri: 'notes://listed' }])
    expect((await client.readResource({ uri: 'notes://7' })).contents[0]).toMatchObject({ text: '7' })
    const ref = { type: 'ref/resource' as const, uri: 'notes://{id}' }
    const { completion } = await client.complete({ ref, argument: { name: 'id', value: 'a' } })
    expect(completion.values).toEqual(['a1', 'a2'])
  })

  test.each(lines1)('resource() takes every overload (%s)', async (_, line) => {
    const server = line.create()
    const read = (uri: URL) => contentsOf(uri, 'read')
    const metadata = { description: 'A note' }
    server.resource('one', 'notes://one', read)
    server.resource('two', 'notes://two', metadata, read)
    server.resource('three', line.template('three://{id}', { list: undefined }), read)
    server.resource('four', line.template('four://{id}', { list: undefined }), metadata, read)
    const client = await line.connect(server)
    const { resources } = await client.listResources()
    expect(resources.map(({ name, description }) => [name, description])).toEqual([
      ['one', undefined],
      ['two', 'A note'],
    ])
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ name, description }) => [name, description])).toEqual([
      ['three', undefined],
      ['four', 'A note'],
    ])
    for (const uri of ['notes://one', 'notes://two', 'three://1', 'four://1']) {
      expect((await client.readResource({ uri })).contents[0]).toMatchObject({ text: 'read' })
    }
  })

  test.each(lines)('a ResourceTemplate shows what it was made of (%s)', (_, line) => {
    const list = () => ({ resources: [] })
    const complete = () => ['one']
    const template = line.template('notes://{id}', { list, complete: { id: complete } })
    expect(template.uriTemplate.toString()).toBe('notes://{id}')
    expect(template.listCallback).toBe(list)
    expect(template.completeCallback('id')).toBe(complete)
    expect(template.completeCallback('other')).toBeUndefined()
  })
})

describe('options', () => {
  test.each(lines)('instructions and experimental capabilities reach the client (%s)', async (_, line) => {
    const experimental = { 'example.com/feature': { on: true } }
    const client = await line.connect(line.create({ instructions: 'Be brief.', capabilities: { experimental } }))
    expect(client.getInstructions()).toBe('Be brief.')
    expect(client.getServerCapabilities()?.experimental).toEqual(experimental)
  })

  test.each(lines)('declared capabilities have their lists while nothing is registered (%s)', async (_, line) => {
    const client = await line.connect(line.create({ capabilities: { tools: {}, prompts: {}, resources: {} } }))
    expect(client.getServerCapabilities()).toMatchObject({ tools: {}, prompts: {}, resources: {} })
    expect((await client.listTools()).tools).toEqual([])
    expect((await client.listPrompts()).prompts).toEqual([])
    expect((await client.listResources()).resources).toEqual([])
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([])
  })

  test.each(lines)('maxToolInputElements bounds the arguments of a call (%s)', async (_, line) => {
    const server = line.create({ maxToolInputElements: 3 })
    server.registerTool('count', { inputSchema: { items: z.array(z.number()) } }, echo)
    const client = await line.connect(server)
    expect((await client.callTool({ name: 'count', arguments: { items: [1, 2] } })).isError).toBeFalsy()
    const result = await client.callTool({ name: 'count', arguments: { items: [1, 2, 3] } })
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('3 elements')
  })
})
