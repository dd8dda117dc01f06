/** `mcp-anywhere instances`: which instances there are. */
import { readReport } from '../../admin/report.ts'
import { plain } from '../../admin/text.ts'
import { systemClock } from '../../base/clock.ts'
import type { ReportedInstance } from '../../store/admin.ts'
import { readArguments } from '../arguments.ts'
import type { Command } from '../command.ts'
import { OPTIONS, withAdmin } from './open.ts'
import { table, time } from './table.ts'

export const command: Command = {
  usage: '[--json] [--env-file .env]',
  summary:
    'Lists the instances that share the Redis of the settings: server, version, since when, calls, streams. Instances on Lambda do not report themselves.',
  async run(args) {
    const { values } = readArguments('instances', command, args, OPTIONS)
    await withAdmin(values['env-file'], async ({ admin }) => {
      const instances = (await admin.instances()).map(viewOf).sort((a, b) => b.up - a.up)
      if (values.json) return console.log(JSON.stringify({ instances: instances.map(toJson) }, null, 2))
      if (instances.length === 0) return console.log('No instance has reported itself.')
      console.log(table([HEAD, ...instances.map(row)]))
    })
  },
}

interface View {
  id: string
  server: string
  version: string
  host: string
  pid: number
  /** ms, now. */
  up: number
  /** ms since the last report. */
  reported: number
  calls: number
  streams: number
  /** unreadable: the report was sealed with another key. */
  state: 'serving' | 'draining' | 'unreadable'
}

function viewOf({ id, facts, left }: ReportedInstance): View {
  const report = facts === undefined ? undefined : readReport(facts)
  if (!report) {
    return {
      id,
      server: '',
      version: '',
      host: '',
      pid: 0,
      up: 0,
      reported: 0,
      calls: 0,
      streams: 0,
      state: 'unreadable',
    }
  }
  const reported = Math.max(0, report.lasts - left)
  return {
    id,
    server: plain(report.name),
    version: plain(report.version),
    host: plain(report.host),
    pid: report.pid,
    up: report.up + reported,
    reported,
    calls: report.calls,
    streams: report.streams,
    state: report.draining ? 'draining' : 'serving',
  }
}

const HEAD = ['INSTANCE', 'SERVER', 'VERSION', 'HOST', 'PID', 'UP', 'CALLS', 'STREAMS', 'REPORTED', 'STATE']

function row({ id, server, version, host, pid, up, calls, streams, reported, state }: View): string[] {
  if (state === 'unreadable') return [id, '-', '-', '-', '-', '-', '-', '-', '-', 'unreadable: another MCP_SECRET']
  const ago = `${time(reported)} ago`
  return [id, server, version, host, String(pid), time(up), String(calls), String(streams), ago, state]
}

function toJson({ up, reported, ...rest }: View): object {
  if (rest.state === 'unreadable') return { id: rest.id, state: rest.state }
  return { ...rest, since: new Date(systemClock.wall() - up).toISOString(), upMs: up, reportedMsAgo: reported }
}
