/** Read by `mcp-anywhere dev`, `start` and `build`. */
export default {
  server: 'src/server.ts',
}
