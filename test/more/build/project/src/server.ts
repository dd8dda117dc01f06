/** A tool for each kind of package: its answer shows that the package works. */
import 'reflect-metadata'
import { Greeter, Tone } from '@services/greeter'
import axios from 'axios'
import bufferUtil from 'bufferutil'
import express from 'express'
import { McpServer } from 'mcp-anywhere'
import pino from 'pino'
import sharp from 'sharp'
import { container } from 'tsyringe'
import winston from 'winston'
import { z } from 'zod'
import { writesOf } from './writes.js'

export const server = new McpServer({ name: 'packages', version: '1.0.0' })

function tool(name: string, run: () => unknown): void {
  server.registerTool(name, {}, async () => ({ content: [{ type: 'text', text: String(await run()) }] }))
}

tool('decorators', () => {
  container.register('tone', { useValue: Tone.Loud })
  container.register('name', { useValue: 'Ada' })
  return container.resolve(Greeter).greet()
})

// The app uses debug, and axios sends a request to it.
tool('http', async () => {
  const app = express()
  app.get('/hello/:name', (request, response) => void response.json({ hello: request.params.name }))
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const address = listening.address()
  const port = typeof address === 'object' ? address?.port : undefined
  try {
    return JSON.stringify((await axios.get(`http://127.0.0.1:${port}/hello/ada`)).data)
  } finally {
    listening.close()
  }
})

tool('loggers', () => {
  const { stream, text } = writesOf()
  pino(stream).info('from pino')
  winston.createLogger({ transports: [new winston.transports.Stream({ stream })] }).info('from winston')
  return ['from pino', 'from winston'].filter((line) => text().includes(line)).join()
})

tool('native', async () => {
  const image = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
  const { width, height } = await sharp(image).metadata()
  const masked = Buffer.alloc(2)
  bufferUtil.mask(Buffer.from([1, 2]), Buffer.from([3, 3, 3, 3]), masked, 0, 2)
  return `${width}x${height} ${masked.toString('hex')}`
})

server.registerTool('schema', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => ({
  content: [{ type: 'text', text: String(n + 1) }],
}))
