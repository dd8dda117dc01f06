/** The snippets of each client: they parse, they say what was asked for, and a hostile name or address stays text. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CLIENT_IDS, connectionsTo } from '../../lib/connect/connections.ts'
import type { Address, ClientId, Code, Connection } from '../../lib/connect/types.ts'
import { wordsOf } from './shell.ts'

const PUBLIC = 'https://mcp.example.com/mcp'
const LOCAL = 'http://127.0.0.1:3000/mcp'

function connection(client: ClientId, given: Partial<Address> = {}): Connection {
  const address: Address = { url: PUBLIC, name: 'Notes', admission: 'open', ...given }
  const found = connectionsTo(address).find((one) => one.client === client)
  if (!found) throw new Error(`There is no ${client}.`)
  return found
}

const codesOf = ({ steps }: Connection): Code[] => steps.flatMap(({ code }) => (code ? [code] : []))

function code(language: Code['language'], found: Connection): string {
  const [first] = codesOf(found).filter((one) => one.language === language)
  if (!first) throw new Error(`${found.title} has no ${language}.`)
  return first.text
}

const json = (found: Connection): unknown => JSON.parse(code('json', found))

/** What the client makes of a link, by the way in which it reads it. */
const READERS: Partial<Record<ClientId, (href: string) => { name: string | null; config: unknown }>> = {
  cursor(href) {
    const { searchParams, host, pathname, protocol } = new URL(href)
    expect([protocol, host, pathname]).toEqual(['cursor:', 'anysphere.cursor-deeplink', '/mcp/install'])
    const config = Buffer.from(searchParams.get('config') ?? '', 'base64').toString()
    expect(Buffer.from(config).toString('base64')).toBe(searchParams.get('config'))
    return { name: searchParams.get('name'), config: JSON.parse(config) }
  },
  vscode(href) {
    expect(href).toMatch(/^vscode:mcp\/install\?/)
    // Its own URI class decodes the query, and the handler decodes it again.
    const { name, ...config } = JSON.parse(decodeURIComponent(decodeURIComponent(new URL(href).search.slice(1))))
    return { name, config }
  },
  goose(href) {
    const { searchParams, protocol, host } = new URL(href)
    expect([protocol, host]).toEqual(['goose:', 'extension'])
    const headers = searchParams.getAll('header').map((header) => {
      const [key = '', value = ''] = header.split('=')
      return [key, decodeURIComponent(value)]
    })
    const config = {
      type: searchParams.get('type'),
      uri: searchParams.get('url'),
      headers: Object.fromEntries(headers),
    }
    return { name: searchParams.get('name'), config }
  },
  claude(href) {
    const { origin, pathname, searchParams } = new URL(href)
    expect([origin, pathname, searchParams.get('modal')]).toEqual([
      'https://claude.ai',
      '/customize/connectors',
      'add-custom-connector',
    ])
    return { name: searchParams.get('connectorName'), config: searchParams.get('connectorUrl') }
  },
}

function readLink(found: Connection) {
  const read = READERS[found.client]
  if (!read || !found.link) throw new Error(`${found.title} has no link.`)
  return read(found.link.href)
}

test('every client of the list has its connection, in one order', () => {
  expect(connectionsTo({ url: PUBLIC, name: 'Notes', admission: 'open' }).map(({ client }) => client)).toEqual(
    CLIENT_IDS,
  )
  expect(CLIENT_IDS).toHaveLength(10)
})

test.each(['', 'mcp.example.com', 'ftp://host/mcp', 'javascript:alert(1)', '/mcp'])('%o is no address', (url) => {
  expect(() => connectionsTo({ url, name: 'Notes', admission: 'open' })).toThrow(TypeError)
})

describe('an endpoint that is open', () => {
  test('gets a command of Claude Code', () => {
    expect(code('shell', connection('claude-code'))).toBe(`claude mcp add --transport http Notes ${PUBLIC}`)
  })

  test('gets a link of Claude with its name and address', () => {
    expect(readLink(connection('claude'))).toEqual({ name: 'Notes', config: PUBLIC })
    expect(connection('claude').obstacle).toBeUndefined()
  })

  test('gets the address for ChatGPT', () => {
    expect(code('text', connection('chatgpt'))).toBe(PUBLIC)
    expect(connection('chatgpt').obstacle).toBeUndefined()
  })

  test('gets a link and settings of Cursor', () => {
    expect(readLink(connection('cursor'))).toEqual({ name: 'Notes', config: { url: PUBLIC } })
    expect(json(connection('cursor'))).toEqual({ mcpServers: { Notes: { url: PUBLIC } } })
  })

  test('gets a link and settings of VS Code', () => {
    expect(readLink(connection('vscode'))).toEqual({ name: 'Notes', config: { type: 'http', url: PUBLIC } })
    expect(json(connection('vscode'))).toEqual({ servers: { Notes: { type: 'http', url: PUBLIC } } })
  })

  test('gets a command and settings of Gemini CLI', () => {
    const found = connection('gemini-cli')
    expect(code('shell', found)).toBe(`gemini mcp add --scope user --transport http Notes ${PUBLIC}`)
    expect(json(found)).toEqual({ mcpServers: { Notes: { httpUrl: PUBLIC } } })
  })

  test('gets a link and settings of goose', () => {
    const found = connection('goose')
    expect(readLink(found)).toEqual({ name: 'Notes', config: { type: 'streamable_http', uri: PUBLIC, headers: {} } })
    expect(parse(code('yaml', found))).toEqual({
      extensions: {
        Notes: {
          enabled: true,
          type: 'streamable_http',
          name: 'Notes',
          description: 'Notes',
          uri: PUBLIC,
          timeout: 300,
        },
      },
    })
  })

  test('gets settings of LibreChat', () => {
    expect(parse(code('yaml', connection('librechat')))).toEqual({
      mcpServers: { Notes: { type: 'streamable-http', url: PUBLIC, title: 'Notes' } },
    })
  })

  test('gets settings of mcp-remote', () => {
    expect(json(connection('mcp-remote'))).toEqual({
      mcpServers: { Notes: { command: 'npx', args: ['-y', 'mcp-remote', PUBLIC] } },
    })
  })

  test('is asked by curl without a token', () => {
    const [initialize, discover] = codesOf(connection('curl')).flatMap(({ text }) => wordsOf(text))
    expect(initialize).toEqual(expect.arrayContaining([PUBLIC, 'Content-Type: application/json']))
    expect(discover).toEqual(
      expect.arrayContaining(['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: server/discover']),
    )
    expect([initialize, discover].flat().join(' ')).not.toContain('Authorization')
  })
})

describe('an endpoint that takes tokens given by its operator', () => {
  const TOKEN = { admission: 'token' } as const

  test('gets a header in the commands, in one word', () => {
    expect(wordsOf(code('shell', connection('claude-code', TOKEN)))).toEqual([
      ['claude', 'mcp', 'add', '--transport', 'http', 'Notes', PUBLIC, '--header', 'Authorization: Bearer YOUR_TOKEN'],
    ])
    expect(wordsOf(code('shell', connection('gemini-cli', TOKEN)))).toEqual([
      [
        ...['gemini', 'mcp', 'add', '--scope', 'user', '--transport', 'http'],
        ...['--header', 'Authorization: Bearer YOUR_TOKEN', 'Notes', PUBLIC],
      ],
    ])
  })

  test('gets settings that read the token from where the client keeps secrets', () => {
    expect(json(connection('cursor', TOKEN))).toEqual({
      mcpServers: { Notes: { url: PUBLIC, headers: { Authorization: `Bearer \${env:MCP_TOKEN}` } } },
    })
    expect(json(connection('gemini-cli', TOKEN))).toMatchObject({
      mcpServers: { Notes: { headers: { Authorization: 'Bearer $MCP_TOKEN' } } },
    })
    expect(json(connection('vscode', TOKEN))).toEqual({
      servers: { Notes: { type: 'http', url: PUBLIC, headers: { Authorization: `Bearer \${input:Notes-token}` } } },
      inputs: [{ type: 'promptString', id: 'Notes-token', description: 'Token of Notes', password: true }],
    })
    expect(parse(code('yaml', connection('librechat', TOKEN)))).toMatchObject({
      mcpServers: { Notes: { headers: { Authorization: `Bearer \${MCP_TOKEN}` } } },
    })
    expect(parse(code('yaml', connection('goose', TOKEN)))).toMatchObject({
      extensions: { Notes: { headers: { Authorization: 'Bearer YOUR_TOKEN' } } },
    })
  })

  test('gets a header of mcp-remote whose argument has no space', () => {
    expect(json(connection('mcp-remote', TOKEN))).toEqual({
      mcpServers: {
        Notes: {
          command: 'npx',
          args: ['-y', 'mcp-remote', PUBLIC, '--header', `Authorization:\${MCP_AUTHORIZATION}`],
          env: { MCP_AUTHORIZATION: 'Bearer YOUR_TOKEN' },
        },
      },
    })
  })

  test('gets links that ask for the token and have none', () => {
    expect(readLink(connection('vscode', TOKEN)).config).toEqual({
      type: 'http',
      url: PUBLIC,
      headers: { Authorization: `Bearer \${input:Notes-token}` },
      inputs: [{ type: 'promptString', id: 'Notes-token', description: 'Token of Notes', password: true }],
    })
    expect(readLink(connection('goose', TOKEN)).config).toMatchObject({
      headers: { Authorization: 'Bearer YOUR_TOKEN' },
    })
    expect(readLink(connection('cursor', TOKEN)).config).toMatchObject({
      headers: { Authorization: `Bearer \${env:MCP_TOKEN}` },
    })
  })

  test.each(['claude', 'chatgpt'] as const)('names the obstacle for %s, which has no field for a token', (client) => {
    expect(connection(client, TOKEN).obstacle).toMatch(/OAuth.*no field for a token: set AUTH_ISSUER/)
  })

  test('gives curl the token from the environment', () => {
    const commands = codesOf(connection('curl', TOKEN)).flatMap(({ text }) => wordsOf(text))
    expect(commands[0]).toEqual(['read', '-rs', 'MCP_TOKEN'])
    for (const words of commands.slice(1)) expect(words).toContain('Authorization: Bearer secret')
  })
})

describe('an endpoint with an authorization server', () => {
  const OAUTH = { admission: 'oauth' } as const

  test.each(CLIENT_IDS.filter((client) => client !== 'curl'))(
    'puts no token anywhere for %s, which signs in',
    (client) => {
      const found = connection(client, OAUTH)
      expect(JSON.stringify(found)).not.toMatch(/YOUR_TOKEN|MCP_TOKEN|Authorization:/)
      expect(found.steps.map(({ text }) => text).join(' ')).toMatch(/sign/)
      expect(found.obstacle).toBeUndefined()
    },
  )

  test('is declared to LibreChat as one', () => {
    expect(parse(code('yaml', connection('librechat', OAUTH)))).toMatchObject({
      mcpServers: { Notes: { requiresOAuth: true } },
    })
  })
})

describe('an endpoint that only this machine reaches', () => {
  test.each(['claude', 'chatgpt'] as const)('needs a tunnel for %s, whose name is let in', (client) => {
    const found = connection(client, { url: LOCAL })
    expect(found.obstacle).toMatch(
      /from the internet and with HTTPS only, and http:\/\/127\.0\.0\.1:3000 is on this machine/,
    )
    expect(found.link).toBeUndefined()
    expect(wordsOf(code('shell', found))).toEqual([['ngrok', 'http', 'http://127.0.0.1:3000']])
    const texts = codesOf(found).filter(({ language }) => language === 'text')
    expect(texts.map(({ text, file }) => [text, file])).toEqual([
      ['ALLOWED_HOSTS=your-tunnel.ngrok.app,localhost,127.0.0.1', '.env'],
      ['https://your-tunnel.ngrok.app/mcp', undefined],
    ])
    expect(found.notes.join(' ')).toMatch(/Everybody who learns the name of the tunnel can use every tool/)
  })

  test('with an authorization server needs its public name there, too', () => {
    const found = connection('claude', { url: LOCAL, admission: 'oauth' })
    expect(codesOf(found)[1]?.text).toBe(
      'ALLOWED_HOSTS=your-tunnel.ngrok.app,localhost,127.0.0.1\nAUTH_AUDIENCE=https://your-tunnel.ngrok.app/mcp',
    )
    expect(found.notes.join(' ')).not.toMatch(/Everybody/)
  })

  test.each(CLIENT_IDS.filter((client) => client !== 'claude' && client !== 'chatgpt'))(
    'is reached by %s as it is',
    (client) => {
      const found = connection(client, { url: LOCAL })
      expect(found.obstacle).toBeUndefined()
      expect(JSON.stringify(codesOf(found))).toContain(LOCAL)
    },
  )

  test('is let through by LibreChat, with the name that containers have for this machine', () => {
    const found = connection('librechat', { url: LOCAL })
    expect(parse(code('yaml', found))).toMatchObject({ mcpSettings: { allowedAddresses: ['127.0.0.1:3000'] } })
    expect(found.notes.join(' ')).toContain('ALLOWED_HOSTS=host.docker.internal,localhost,127.0.0.1')
  })
})

describe('addresses', () => {
  test.each([
    ['http://127.0.0.1:3000/mcp', []],
    ['http://localhost:3000/mcp', []],
    ['http://[::1]:3000/mcp', ['--allow-http']],
    ['http://192.168.1.7:3000/mcp', ['--allow-http']],
    ['https://mcp.example.com/mcp', []],
  ])('mcp-remote takes %s with %o', (url, more) => {
    expect(json(connection('mcp-remote', { url }))).toEqual({
      mcpServers: { Notes: { command: 'npx', args: ['-y', 'mcp-remote', url, ...more] } },
    })
  })

  test.each([
    ['https://localhost:8443/mcp', 'is on this machine'],
    ['http://app.localhost/mcp', 'is on this machine'],
    ['http://[::1]:3000/mcp', 'is on this machine'],
    ['https://10.1.2.3/mcp', 'is in a private network'],
    ['https://172.20.0.1/mcp', 'is in a private network'],
    ['http://192.168.1.7:3000/mcp', 'is in a private network'],
    ['https://[fd00::1]/mcp', 'is in a private network'],
    ['https://server/mcp', 'is in a private network'],
    ['https://mcp.internal/mcp', 'is in a private network'],
    ['http://mcp.example.com/mcp', 'takes addresses with HTTPS only'],
    ['https://172.32.0.1/mcp', undefined],
    ['https://10.example.com/mcp', undefined],
    ['https://mcp.example.com/mcp', undefined],
  ])('%s for a client on the internet: %s', (url, obstacle) => {
    const expected = obstacle === undefined ? undefined : expect.stringContaining(obstacle)
    expect(connection('claude', { url }).obstacle).toEqual(expected)
  })

  test('lose their user, password and fragment', () => {
    const url = 'https://me:secret@mcp.example.com/mcp?tenant=a#top'
    for (const found of connectionsTo({ url, name: 'Notes', admission: 'open' })) {
      expect(JSON.stringify(found)).not.toContain('secret')
      expect(JSON.stringify(found)).not.toContain('#top')
    }
    expect(json(connection('cursor', { url }))).toEqual({
      mcpServers: { Notes: { url: 'https://mcp.example.com/mcp?tenant=a' } },
    })
  })

  /** What a URL may have: it stays one word, one text, and one parameter. */
  const ODD = `https://mcp.example.com/a'b$(id);c&d%20e!f*g/mcp?x=\${env:HOME}&y=1%25`
  const AS_READ = "https://mcp.example.com/a'b$(id);c&d%20e!f*g/mcp?x=$%7Benv:HOME%7D&y=1%25"

  test('with odd characters are the same in every command, file and link', () => {
    const at = (client: ClientId) => connection(client, { url: ODD })
    expect(wordsOf(code('shell', at('claude-code')))[0]).toContain(AS_READ)
    expect(wordsOf(code('shell', at('gemini-cli')))[0]).toContain(AS_READ)
    for (const { text } of codesOf(at('curl'))) expect(wordsOf(text)[0]).toContain(AS_READ)
    expect(json(at('cursor'))).toEqual({ mcpServers: { Notes: { url: AS_READ } } })
    expect(parse(code('yaml', at('goose')))).toMatchObject({ extensions: { Notes: { uri: AS_READ } } })
    expect(parse(code('yaml', at('librechat')))).toMatchObject({ mcpServers: { Notes: { url: AS_READ } } })
    expect(readLink(at('cursor')).config).toEqual({ url: AS_READ })
    expect(readLink(at('vscode')).config).toEqual({ type: 'http', url: AS_READ })
    expect(readLink(at('goose')).config).toMatchObject({ uri: AS_READ })
    expect(readLink(at('claude')).config).toBe(AS_READ)
  })

  test('with names of other alphabets are ASCII', () => {
    expect(json(connection('cursor', { url: 'https://bücher.example/mcp/ü' }))).toEqual({
      mcpServers: { Notes: { url: 'https://xn--bcher-kva.example/mcp/%C3%BC' } },
    })
  })
})

describe('names', () => {
  const HOSTILE: [what: string, name: string, key: string, shown: string][] = [
    ['quotes', `a"b'c\`d`, 'a-b-c-d', `a"b'c\`d`],
    ['a command', '$(touch /tmp/pwned); `id` && rm', 'touch-tmp-pwned-id-rm', '$(touch /tmp/pwned); `id` && rm'],
    [
      'variables of clients',
      `\${env:HOME} \${input:x} {{LIBRECHAT_USER_ID}}`,
      'env-HOME-input-x-LIBRECHAT-USER-ID',
      `\${env:HOME} \${input:x} {{LIBRECHAT_USER_ID}}`,
    ],
    ['line breaks', 'a\n  b: c\r\n- d\u2028e', 'a-b-c-d-e', 'a b: c - d e'],
    ['controls of a terminal', '\u001b[31mred\u0007\u009b1m', '31mred-1m', '[31mred 1m'],
    ['an option', '--scope=user -rf', 'scope-user-rf', '--scope=user -rf'],
    [
      'parameters',
      'a&url=https://evil.example/#b?c=d%20e+f',
      'a-url-https-evil-example-b-c-d-20e-f',
      'a&url=https://evil.example/#b?c=d%20e+f',
    ],
    ['markup', '<img src=x onerror=alert(1)>', 'img-src-x-onerror-alert-1', '<img src=x onerror=alert(1)>'],
    ['accents', 'Crème Brûlée – Ärger', 'Creme-Brulee-Arger', 'Crème Brûlée – Ärger'],
    ['another alphabet', '笔记 服务', 'mcp-server', '笔记 服务'],
    ['an emoji', '📝 notes', 'notes', '📝 notes'],
    ['half of an emoji', 'a\ud83db', 'a-b', 'a b'],
    ['another direction', 'a\u202egnp.exe', 'a-gnp-exe', 'a gnp.exe'],
    ['members of objects', '__proto__', 'proto', '__proto__'],
    ['what a client keeps for itself', 'Workspace', 'Workspace-mcp', 'Workspace'],
    ['a comment of YAML', ' # x: [y] & *z !!js/function', 'x-y-z-js-function', '# x: [y] & *z !!js/function'],
    ['nothing', ' \u0000 ', 'mcp-server', 'MCP server'],
  ]

  test.each(HOSTILE)('with %s stay text in every snippet', (_what, name, key, shown) => {
    for (const admission of ['open', 'token', 'oauth'] as const) {
      const at = (client: ClientId) => connection(client, { name, admission })
      const add = wordsOf(code('shell', at('claude-code')))
      expect(add).toHaveLength(1)
      expect(add[0]?.slice(0, 7)).toEqual(['claude', 'mcp', 'add', '--transport', 'http', key, PUBLIC])
      expect(wordsOf(code('shell', at('gemini-cli')))[0]?.slice(-2)).toEqual([key, PUBLIC])
      expect(Object.keys((json(at('cursor')) as { mcpServers: object }).mcpServers)).toEqual([key])
      expect(Object.keys((json(at('vscode')) as { servers: object }).servers)).toEqual([key])
      expect(Object.keys((json(at('gemini-cli')) as { mcpServers: object }).mcpServers)).toEqual([key])
      expect(Object.keys((json(at('mcp-remote')) as { mcpServers: object }).mcpServers)).toEqual([key])
      expect(Object.entries(parse(code('yaml', at('goose'))).extensions)).toEqual([
        [key, expect.objectContaining({ name: shown, description: shown, uri: PUBLIC })],
      ])
      expect(Object.entries(parse(code('yaml', at('librechat'))).mcpServers)).toEqual([
        [key, expect.objectContaining({ title: shown, url: PUBLIC })],
      ])
      expect(readLink(at('cursor'))).toMatchObject({ name: key, config: { url: PUBLIC } })
      expect(readLink(at('vscode'))).toMatchObject({ name: key, config: { type: 'http', url: PUBLIC } })
      expect(readLink(at('goose'))).toMatchObject({ name: shown, config: { uri: PUBLIC } })
      expect(readLink(at('claude'))).toEqual({ name: shown, config: PUBLIC })
      expect(codesOf(at('curl'))).toEqual(codesOf(connection('curl', { admission })))
    }
  })

  test.each(HOSTILE)('with %s put no line break and no control character into a sentence', (_what, name) => {
    for (const { steps, notes, obstacle = '', title } of connectionsTo({ url: LOCAL, name, admission: 'oauth' })) {
      for (const text of [...steps.map((step) => step.text), ...notes, obstacle, title])
        expect(text).not.toMatch(/[\p{C}\u2028]/u)
    }
  })

  test('that are very long are cut', () => {
    const found = connection('goose', { name: 'ab '.repeat(5_000) })
    expect(found.link?.href.length).toBeLessThan(700)
    const [key = ''] = Object.keys(parse(code('yaml', found)).extensions)
    expect(key).toMatch(/^[\w-]{1,50}$/)
  })
})
