/** `mcp-anywhere/testing`: the official client, connected to a server in the process of a test. */

export {
  type TestClient,
  type TestClientOptions,
  type TestClientUser,
  type TestControls,
  testClient,
} from './testing/client.ts'
