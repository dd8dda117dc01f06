import type { McpConfig } from 'mcp-anywhere'

export default { server: 'src/server.ts' } satisfies McpConfig
