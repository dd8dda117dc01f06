/** Services of AWS on loopback, for the requests of the documents. They answer what the client needs to go on, and keep every request. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { json, text } from 'node:stream/consumers'

export interface Sent {
  /** As in `lambda`, and the region that it was sent to. */
  service: string
  region: string
  action: string
  params: Record<string, unknown>
}

export interface Services {
  url: string
  sent: Sent[]
  /** Forgets the stacks that were made. */
  clear(): void
  stop(): Promise<void>
}

/** What the client gets. Undefined: there is no such action here. */
type Reply = { status?: number; body: string } | undefined

export async function startServices(): Promise<Services> {
  const sent: Sent[] = []
  const stacks = new Set<string>()
  const server = createServer(async (request, response) => {
    const one = await read(request)
    sent.push(one)
    const { status = 200, body } = reply(one, stacks) ?? {
      status: 400,
      body: failed('Unknown', `No ${one.action} here.`),
    }
    response.writeHead(status, { 'Content-Type': body.startsWith('<') ? 'text/xml' : 'application/json' }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    sent,
    clear: () => stacks.clear(),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The three protocols of these services: forms with XML, JSON with a target, and REST. */
async function read(request: IncomingMessage): Promise<Sent> {
  // …/20260101/eu-central-1/lambda/aws4_request (Signature Version 4)
  const [, region = '', service = ''] =
    /\/\d{8}\/([\w-]+)\/([\w-]+)\/aws4/.exec(request.headers.authorization ?? '') ?? []
  const target = request.headers['x-amz-target']
  if (typeof target === 'string') {
    const params = (await json(request)) as Sent['params']
    return { service, region, action: target.split('.')[1] ?? '', params }
  }
  const body = await text(request)
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    const { Action = '', Version: _, ...params } = Object.fromEntries(new URLSearchParams(body))
    return { service, region, action: Action, params }
  }
  const { pathname } = new URL(request.url ?? '', 'http://aws')
  return { service, region, action: `${request.method} ${pathname}`, params: body === '' ? {} : JSON.parse(body) }
}

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:mcp-anywhere-header:1'
const answer = (action: string, result: string) => ({
  body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
})
const failed = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`

function reply({ service, action, params }: Sent, stacks: Set<string>): Reply {
  const name = String(params.StackName)
  switch (`${service} ${action}`) {
    case 'cloudformation DescribeStacks':
      if (!stacks.has(name))
        return { status: 400, body: failed('ValidationError', `Stack with id ${name} does not exist`) }
      return answer(
        action,
        `<Stacks><member><StackName>${name}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs><member><OutputKey>HeaderFunction</OutputKey>
         <OutputValue>${ARN}</OutputValue></member></Outputs></member></Stacks>`,
      )
    case 'cloudformation CreateChangeSet':
      return answer(action, '<Id>arn:change</Id><StackId>arn:stack</StackId>')
    case 'cloudformation DescribeChangeSet':
      return answer(action, '<Status>CREATE_COMPLETE</Status>')
    case 'cloudformation ExecuteChangeSet':
      stacks.add(name)
      return answer(action, '')
    case 'cloudformation DescribeStackResource':
      return answer(
        action,
        `<StackResourceDetail><LogicalResourceId>${params.LogicalResourceId}</LogicalResourceId>
         <PhysicalResourceId>arn:of:${params.LogicalResourceId}</PhysicalResourceId></StackResourceDetail>`,
      )
    case 'elasticache ModifyUser':
      return answer(action, `<UserId>${params.UserId}</UserId>`)
    case 'secretsmanager PutSecretValue':
      return { body: '{"VersionId":"1"}' }
    case 'acm RequestCertificate':
      return { body: '{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/abc"}' }
    case 'lambda GET /2015-03-31/functions/mcp-anywhere-prod-mcp/versions':
      return { body: '{"Versions":[{"Version":"7","LastModified":"2026-01-01T00:00:00.000+0000"}]}' }
    case 'lambda PUT /2015-03-31/functions/mcp-anywhere-prod-mcp/aliases/live':
      return { body: '{"Name":"live","FunctionVersion":"7"}' }
    default:
      return undefined
  }
}
