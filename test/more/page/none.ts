/** A server that has nothing yet. */
import { McpServer } from '../../../lib/index.ts'

export const server = new McpServer({ name: 'none', version: '0.0.1' })
