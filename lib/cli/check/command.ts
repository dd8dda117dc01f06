/** `mcp-anywhere check`: a line for each check of a deployment. */
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { checkDeployment } from './check.ts'

export const command: Command = {
  usage: 'https://host/mcp [--token …]',
  summary: 'Checks a deployment from outside: a line for each check.',
  async run(args) {
    const { positionals, values } = readArguments('check', command, args, { token: { type: 'string' } })
    const [address] = positionals
    const url = URL.parse(address ?? '')
    if (address === undefined) throw new Failure(`The address is missing. Usage: mcp-anywhere check ${command.usage}`)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new Failure(`"${address}" is no address such as https://host/mcp.`)
    }
    const findings = await checkDeployment(url, values)
    for (const { what, ok, seen } of findings) {
      console.log(`${ok === undefined ? '?' : ok ? 'ok' : 'NO'}\t${what} (${seen})`)
    }
    process.exitCode = findings.every(({ ok }) => ok !== false) ? 0 : 1
  },
}
