/** A server that has nothing yet. */
import { McpServer } from '../../../lib/index.ts'
import { page } from '../../../lib/page.ts'

export const server = new McpServer({ name: 'none', version: '0.0.1' })

export const serving = { page }
