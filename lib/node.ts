/** `mcp-anywhere/node`: a handler for Node's HTTP server and the frameworks on it, and a process that listens by itself. */

export {
  type FastifyLikeReply,
  type FastifyLikeRequest,
  type NodeHandler,
  type NodeRequest,
  type NodeResponse,
  toNodeHandler,
} from './platform/node/handler.ts'
export { listen } from './platform/node/listen.ts'
