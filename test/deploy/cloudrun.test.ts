/** infra/cloudrun: the service has the values that the endpoint needs, and the commands of docs/deploy.md fit it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service } from '@kubernetes-models/knative/serving.knative.dev/v1/Service'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { parseEnvironment } from '../../lib/platform/environment.ts'
import { readExecutor } from '../../lib/platform/executor.ts'
import { root } from '../../tools/build.ts'
import { VARIABLES } from '../../tools/settings.ts'

const text = readFileSync(join(root, 'infra/cloudrun/service.yaml'), 'utf8')
const document = readFileSync(join(root, 'docs/deploy.md'), 'utf8')
const [, google = ''] = document.split('\n## Google\n')
const section = google.split('\n## ')[0] ?? ''
/** The commands of the section, each in one line. */
const commands = [...section.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].flatMap(([, fence = '']) =>
  fence
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim()),
)

/** The commands that have all of these parts. */
const having = (...parts: string[]) => commands.filter((line) => parts.every((part) => line.includes(part)))

describe('cloudrun/service.yaml', () => {
  const manifest = parse(text)
  const { metadata, spec } = manifest.spec.template
  const [container] = spec.containers
  const env = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value?: string }) => [name, value]),
  )

  test('is a valid Knative service', () => {
    expect(() => new Service(manifest).validate()).not.toThrow()
    const wrong = parse(text.replace('containerConcurrency: 1000', 'containerConcurrency: many'))
    expect(() => new Service(wrong).validate()).toThrow(/containerConcurrency/)
  })

  test('streams end before the time limit of the platform', () => {
    expect(Number(env.RESPONSE_LIMIT_SECONDS)).toBe(spec.timeoutSeconds)
  })

  test('has CPU while no request is open, and no affinity', () => {
    expect(metadata.annotations).toMatchObject({
      'run.googleapis.com/cpu-throttling': 'false',
      'run.googleapis.com/sessionAffinity': 'false',
    })
  })

  test('has secrets as references only', () => {
    const named = Object.fromEntries(container.env.map((entry: { name: string }) => [entry.name, entry]))
    for (const name of ['REDIS_URL', 'REDIS_TLS_CA', 'MCP_SECRET']) {
      expect(named[name]).not.toHaveProperty('value')
      // A new value has to make a new revision.
      expect(named[name].valueFrom.secretKeyRef.key).toMatch(/^\d+$/)
    }
  })

  test('names the image by its digest, so that a new image makes a new revision', () => {
    expect(container.image).toMatch(/@DIGEST$/)
  })

  test('is closed to the internet until that is changed', () => {
    expect(manifest.metadata.annotations['run.googleapis.com/ingress']).toBe('internal')
  })

  test('probes what needs no Redis: calls without a session are served where Redis is away', () => {
    expect(container.startupProbe.httpGet).toEqual({ path: '/healthz', port: 8080 })
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 8080 })
    expect(container.ports).toEqual([{ name: 'http1', containerPort: 8080 }])
  })

  test('lets nobody in before an authorization server is named', () => {
    expect(env.AUTH_ISSUER).toMatch(/^https:\/\/auth\.example\.com$/)
    const { auth } = parseEnvironment({ ...env, HOST: '0.0.0.0', REDIS_URL: undefined, MCP_SECRET: undefined }).endpoint
    expect(auth).toMatchObject({ issuer: [env.AUTH_ISSUER], resource: env.AUTH_AUDIENCE })
    // Both are the addresses that the documents give: a host of the service, and /mcp there.
    expect(auth?.resource).toBe(`https://${env.ALLOWED_HOSTS}/mcp`)
  })

  test('sets only variables that the endpoint reads', () => {
    for (const name of Object.keys(env)) expect(VARIABLES).toContain(name)
    expect(
      parseEnvironment({ ...env, HOST: '0.0.0.0', REDIS_URL: undefined, MCP_SECRET: undefined }).endpoint.session,
    ).toMatchObject({
      responseLimit: 3_600_000,
      getPolicy: 'hold',
    })
  })
})

/** What the documented commands make of the file. */
function written(given: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-anywhere-cloudrun-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'infra/cloudrun'), { recursive: true })
  writeFileSync(join(folder, 'infra/cloudrun/service.yaml'), given)
  const [sed = ''] = having('sed -e', '> service.yaml')
  const env = { PATH: process.env.PATH, ...VALUES }
  execFileSync('sh', ['-eu', '-c', sed], { cwd: folder, env })
  return readFileSync(join(folder, 'service.yaml'), 'utf8')
}
const VALUES = { PROJECT: 'acme', NUMBER: '12345', REGION: 'europe-west3', DIGEST: `sha256:${'0'.repeat(64)}` }

/** The file with the settings that are comments in it. */
const withTasks = text.replace(/^( +)# (- name: (?:TASK_|CLOUD_TASKS_)| {2}value: )/gm, '$1$2')

describe('the documented commands', () => {
  test('replace every placeholder, and what they write is a valid service that names one image', () => {
    const service = parse(written(text))
    expect(() => new Service(service).validate()).not.toThrow()
    expect(JSON.stringify(service)).not.toMatch(/PROJECT|REGION|NUMBER|DIGEST/)
    const [{ image, env }] = service.spec.template.spec.containers
    expect(image).toBe(`europe-west3-docker.pkg.dev/acme/mcp/mcp-anywhere@${VALUES.DIGEST}`)
    expect(env).toContainEqual({ name: 'AUTH_AUDIENCE', value: 'https://mcp-anywhere-12345.europe-west3.run.app/mcp' })
    // The image is pushed to this place, for the processors of Cloud Run, and the digest is that of what was pushed.
    expect(having('IMAGE=')).toEqual(['IMAGE=$REGION-docker.pkg.dev/$PROJECT/mcp/mcp-anywhere'])
    expect(having('docker build', '--platform linux/amd64', '-t $IMAGE', 'docker push $IMAGE')).toHaveLength(1)
    expect(having('DIGEST=$(gcloud artifacts docker images describe $IMAGE', 'image_summary.digest')).toHaveLength(1)
    expect(having('gcloud run services replace service.yaml')).toHaveLength(1)
  })

  test('make every secret that the service reads, and let its account read them', () => {
    const { serviceAccountName, containers } = parse(written(text)).spec.template.spec
    const read = containers[0].env.flatMap(({ valueFrom }: Entry) => valueFrom?.secretKeyRef.name ?? [])
    expect(read).toHaveLength(3)
    for (const name of read) expect(having(`gcloud secrets create ${name} `), name).toHaveLength(1)
    const [loop = ''] = having('for SECRET in')
    for (const name of read) expect(loop).toContain(name)
    expect(serviceAccountName).toBe('mcp-anywhere@acme.iam.gserviceaccount.com')
    expect(having('gcloud iam service-accounts create mcp-anywhere')[0]).toMatch(/ mcp-anywhere$/)
    expect(having('add-iam-policy-binding $SECRET', 'secretmanager.secretAccessor')[0]).toContain(
      'serviceAccount:mcp-anywhere@$PROJECT.iam.gserviceaccount.com',
    )
  })

  test('make a Redis with TLS, a password and its certificate, which evicts nothing', () => {
    expect(
      having('gcloud redis instances create', '--transit-encryption-mode SERVER_AUTHENTICATION', '--enable-auth'),
    ).toEqual([expect.stringContaining('--redis-config maxmemory-policy=noeviction')])
    expect(having('serverCaCerts[].cert', '> redis-ca.pem')).toHaveLength(1)
    expect(having('gcloud secrets create mcp-redis-ca --data-file=redis-ca.pem')).toHaveLength(1)
    expect(having("printf 'rediss://:%s@%s:6378'")).toHaveLength(1)
    const valkey = having('gcloud memorystore instances create', '--engine-version VALKEY_')
    expect(valkey).toEqual([expect.stringContaining('--transit-encryption-mode server-authentication')])
    expect(valkey[0]).toContain('maxmemory-policy=noeviction')
    expect(having('get-certificate-authority')).toHaveLength(1)
  })

  test('open the service to everybody in one command, which has to be given', () => {
    expect(having('allUsers', 'roles/run.invoker')).toHaveLength(1)
    expect(text).not.toContain('allUsers')
  })
})

interface Entry {
  name: string
  value?: string
  valueFrom?: { secretKeyRef: { name: string } }
}

test('with its queue, the settings in comments have the executor of tasks, and the commands make what they name', () => {
  const service = parse(written(withTasks))
  expect(() => new Service(service).validate()).not.toThrow()
  const entries: Entry[] = service.spec.template.spec.containers[0].env
  const env = Object.fromEntries(entries.map(({ name, value }) => [name, value]))
  expect(parse(withTasks).spec.template.spec.containers[0].env).toHaveLength(
    parse(text).spec.template.spec.containers[0].env.length + 4,
  )
  const { kind, queue, url, account } = readExecutor(env)
  expect(kind).toBe('cloud-tasks')
  expect(queue).toBe('projects/acme/locations/europe-west3/queues/mcp-anywhere')
  expect(account).toBe('mcp-anywhere-tasks@acme.iam.gserviceaccount.com')
  // A closed service is reached by the address of Cloud Run alone, which is the one that clients use.
  expect(env.AUTH_AUDIENCE).toBe(`${url}/mcp`)
  expect(having('gcloud tasks queues create mcp-anywhere --location $REGION')).toHaveLength(1)
  expect(having('gcloud iam service-accounts create mcp-anywhere-tasks')).toHaveLength(1)
  const own = '--member serviceAccount:mcp-anywhere@$PROJECT.iam.gserviceaccount.com'
  expect(having('tasks queues add-iam-policy-binding mcp-anywhere', 'roles/cloudtasks.enqueuer', own)).toHaveLength(1)
  expect(
    having('add-iam-policy-binding mcp-anywhere-tasks@$PROJECT', 'roles/iam.serviceAccountUser', own),
  ).toHaveLength(1)
  expect(having('roles/run.invoker', 'serviceAccount:mcp-anywhere-tasks@$PROJECT')).toHaveLength(1)
})
