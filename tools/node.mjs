/**
 * `node tools/node.mjs [node options] script [arguments]`: node, but new enough to run TypeScript.
 * Children find the same Node first on PATH.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, dirname } from 'node:path'
import { ensureNode } from './ensure-node.mjs'

let node
try {
  node = ensureNode()
} catch (error) {
  console.error(error.message)
  process.exit(1)
}

const child = spawn(node, process.argv.slice(2), {
  stdio: 'inherit',
  env: { ...process.env, PATH: [dirname(node), process.env.PATH].filter(Boolean).join(delimiter) },
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C at a terminal reaches the child by itself, and a second one means something else to it.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}

child.on('error', (error) => {
  console.error(`${node}: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // Ends the way the child did, as a shell would see it.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
})
