/** What must not outlive this process, however that ends: its children and its folders. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'

/** Reads `+ pid` and `- pid`. At the end of its input it ends the processes that are left, and removes the folders. */
const SCRIPT = `
PATH="$PATH:/usr/bin:/bin"
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
rm -rf "$@"`

export interface Guard {
  /** Ends the process with this one, unless it has ended before. `group`: with all processes of the group that it leads. */
  watch(child: ChildProcess, group?: boolean): void
  /** Ends what is left and removes the folders. */
  end(): Promise<void>
}

/**
 * Starts a small process that notices the end of this one: after `kill -9` there is nobody else. Windows has no shell for it:
 * there only {@link Guard.end} removes the folders.
 *
 * @param folders are removed at the end
 */
export function startGuard(folders: readonly string[]): Guard {
  if (process.platform === 'win32') return guardOfThisProcess(folders)
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'mcp-anywhere-guard', ...folders], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C at a terminal goes to every process of a group.
    detached: true,
  })
  shell.unref()
  const gone = once(shell, 'exit').catch(() => {})
  shell.stdin.on('error', () => {})
  return {
    watch(child, group = false) {
      if (child.pid === undefined) return
      const pid = group ? -child.pid : child.pid
      shell.stdin.write(`+ ${pid}\n`)
      child.once('exit', () => shell.stdin.write(`- ${pid}\n`))
    },
    async end() {
      // Nothing else may keep this process alive.
      shell.ref()
      shell.stdin.end()
      await gone
    },
  }
}

function guardOfThisProcess(folders: readonly string[]): Guard {
  const children = new Set<ChildProcess>()
  return {
    watch(child) {
      children.add(child)
      child.once('exit', () => children.delete(child))
    },
    async end() {
      for (const child of children) child.kill()
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }
}
