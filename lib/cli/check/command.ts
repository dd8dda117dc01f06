/** `mcp-anywhere check`: a line for each check of a deployment. */
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { checkDeployment, isUnreached } from './check.ts'

export const command: Command = {
  usage: 'https://host/mcp [--token …] [--json]',
  summary:
    'Checks a deployment from outside: a line for each check, or JSON. Exits with 0 where all passed, 1 where one did not, 2 where nothing answers.',
  async run(args) {
    const { positionals, values } = readArguments('check', command, args, {
      token: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    const [address] = positionals
    const url = URL.parse(address ?? '')
    if (address === undefined) throw new Failure(`The address is missing. Usage: mcp-anywhere check ${command.usage}`)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new Failure(`"${address}" is no address such as https://host/mcp.`)
    }
    const findings = await checkDeployment(url, values)
    const passed = findings.every(({ ok }) => ok !== false)
    if (values.json) {
      const checks = findings.map(({ what, ok = null, seen }) => ({ what, ok, seen }))
      console.log(JSON.stringify({ url: url.href, passed, checks }, null, 2))
    } else {
      for (const { what, ok, seen } of findings) {
        console.log(`${ok === undefined ? '?' : ok ? 'ok' : 'NO'}\t${what} (${seen})`)
      }
    }
    process.exitCode = passed ? 0 : isUnreached(findings) ? 2 : 1
  },
}
