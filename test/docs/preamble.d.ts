/** What a TypeScript fence may use without declaring it. This file belongs to the fences only: tsconfig.json leaves it out. */

/** The server that the reader writes. */
declare const server: import('mcp-anywhere').McpServer
