/** A name server on loopback, in place of Docker's: names of containers, whose addresses change. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  /** Host and port. */
  address: string
  /** Gives a name these IPv4 addresses; without any, the name does not exist. */
  set(name: string, ...addresses: string[]): void
  stop(): Promise<void>
}

/** As Docker's: whoever believes it asks again after ten minutes. */
const TIME_TO_LIVE = 600
const A = 1
const NO_SUCH_NAME = 3

export async function startNameServer(): Promise<NameServer> {
  const addresses = new Map<string, string[]>()
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => socket.send(reply(query, addresses), port, address))
  await once(socket.bind(0, '127.0.0.1'), 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, ...given) => void addresses.set(name, given),
    async stop() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** The reply to a query of one question (RFC 1035, section 4). */
function reply(query: Buffer, addresses: ReadonlyMap<string, string[]>): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += 1 + length
  }
  const question = query.subarray(12, at + 5)
  const known = addresses.get(labels.join('.')) ?? []
  const found = query.readUInt16BE(at + 1) === A ? known : []
  const head = Buffer.from(query.subarray(0, 12))
  // A response with recursion, as it was desired.
  head.writeUInt16BE(0x8180 | (known.length > 0 ? 0 : NO_SUCH_NAME), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(found.length, 6)
  head.writeUInt32BE(0, 8)
  const records = found.map((address) => {
    const record = Buffer.alloc(16)
    // The name of the question, by a pointer.
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(A, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(TIME_TO_LIVE, 6)
    record.writeUInt16BE(4, 10)
    for (const [i, part] of address.split('.').entries()) record.writeUInt8(Number(part), 12 + i)
    return record
  })
  return Buffer.concat([head, question, ...records])
}
