/** `mcp-anywhere dev`. */
import { type Command, Failure } from '../command.ts'

export const command: Command = {
  usage: '[server.ts] [--instances 2]',
  summary: 'Serves a server while it is written.',
  run: async () => {
    throw new Failure('dev comes with the next commit.')
  },
}
