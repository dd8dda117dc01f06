/** `mcp-anywhere build`: one bundle for each platform. */
import { readArguments } from '../arguments.ts'
import { type Command, Failure } from '../command.ts'
import { serverFile } from '../config.ts'
import { shown } from '../shown.ts'
import { buildTarget, TARGETS } from './targets.ts'

export const command: Command = {
  usage: '[server.ts] [--target node|lambda] [--out dist]',
  summary: 'Bundles the server with all that it needs: dist/node/server.mjs, dist/lambda/lambda.mjs. Default: both.',
  async run(args) {
    const { positionals, values } = readArguments('build', command, args, {
      target: { type: 'string', multiple: true },
      out: { type: 'string' },
    })
    const { target: names = Object.keys(TARGETS), out = 'dist' } = values
    const unknown = names.find((name) => !Object.hasOwn(TARGETS, name))
    if (unknown !== undefined) {
      throw new Failure(`--target ${unknown} does not exist; there are ${Object.keys(TARGETS).join(' and ')}.`)
    }
    const server = await serverFile(process.cwd(), positionals[0])
    console.log(`server  ${shown(server)}`)
    for (const [target, entries] of Object.entries(TARGETS)) {
      if (!names.includes(target)) continue
      const { lines } = await buildTarget({ out, target, server, entries })
      for (const line of lines) console.log(line)
    }
  },
}
