/** Read by `mcp-anywhere dev`, `start` and `build`. */
import type { McpConfig } from 'mcp-anywhere'

export default { server: 'src/server.ts' } satisfies McpConfig
