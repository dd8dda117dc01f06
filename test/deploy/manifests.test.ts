/** The other files under infra/ have the values that the endpoint needs, and agree with each other. */
import { readFileSync } from 'node:fs'
import { Service } from '@kubernetes-models/knative/serving.knative.dev/v1/Service'
import { validate } from 'dockerfile-utils'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseEnvironment } from '../../lib/platform/environment.ts'
import { VARIABLES } from '../../tools/settings.ts'

const infra = (name: string) => readFileSync(new URL(`../../infra/${name}`, import.meta.url), 'utf8')

describe('cloudrun/service.yaml', () => {
  const manifest = parse(infra('cloudrun/service.yaml'))
  const { metadata, spec } = manifest.spec.template
  const [container] = spec.containers
  const env = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value?: string }) => [name, value]),
  )

  test('is a valid Knative service', () => {
    expect(() => new Service(manifest).validate()).not.toThrow()
    const wrong = parse(
      infra('cloudrun/service.yaml').replace('containerConcurrency: 1000', 'containerConcurrency: many'),
    )
    expect(() => new Service(wrong).validate()).toThrow(/containerConcurrency/)
  })

  test('streams end before the time limit of the platform, and calls before SIGKILL', () => {
    expect(Number(env.RESPONSE_LIMIT_SECONDS)).toBe(spec.timeoutSeconds)
    expect(Number(env.DRAIN_SECONDS)).toBeLessThan(10)
  })

  test('has CPU while no request is open, and no affinity', () => {
    expect(metadata.annotations).toMatchObject({
      'run.googleapis.com/cpu-throttling': 'false',
      'run.googleapis.com/sessionAffinity': 'false',
    })
  })

  test('has secrets as references only', () => {
    const named = Object.fromEntries(container.env.map((entry: { name: string }) => [entry.name, entry]))
    for (const name of ['REDIS_URL', 'MCP_SECRET']) {
      expect(named[name]).not.toHaveProperty('value')
      expect(named[name].valueFrom.secretKeyRef.key).toBe('latest')
    }
  })

  test('probes /readyz before the first request and /healthz afterwards', () => {
    expect(container.startupProbe.httpGet).toEqual({ path: '/readyz', port: 8080 })
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

describe('Dockerfile', () => {
  const text = infra('Dockerfile')

  test('is valid', () => {
    expect(validate(text)).toEqual([])
  })

  test('has no packages in the image, runs as an unprivileged user, and has a healthcheck', () => {
    const last = text.slice(text.lastIndexOf('FROM '))
    expect(last).not.toMatch(/npm|node_modules/)
    expect(last).toMatch(/^USER node$/m)
    expect(last).toMatch(/^HEALTHCHECK /m)
    expect(last).toMatch(/^CMD \["node",/m)
    for (const [, image] of text.matchAll(/^FROM (\S+)/gm)) expect(image).toBe('node:24-bookworm-slim')
  })
})

describe('compose.yaml', () => {
  const compose = parse(infra('compose.yaml'), { merge: true })

  test('has the three equal instances of nginx.conf', () => {
    const { nginx, redis, ...instances } = compose.services
    expect(Object.values(instances)).toHaveLength(3)
    for (const instance of Object.values(instances)) expect(instance).toEqual(instances['mcp-1'])
    const named = [...infra('nginx.conf').matchAll(/^ *server (mcp-\d):8080;/gm)].map(([, name]) => name)
    expect(named).toEqual(Object.keys(instances))
    expect(nginx.volumes).toEqual(['./nginx.conf:/etc/nginx/conf.d/default.conf:ro'])
    expect(nginx.ports).toEqual([`${/listen (\d+);/.exec(infra('nginx.conf'))?.[1]}:8000`])
    expect(redis.command).toContain('noeviction')
  })

  test('starts nothing before AUTH_ISSUER is decided, and takes its settings from one file', () => {
    const { environment } = compose['x-instance']
    // Unset stops compose; empty is a decision.
    expect(environment.AUTH_ISSUER).toMatch(/^\$\{AUTH_ISSUER\?[^}]*AUTH_ISSUER=/)
    for (const name of ['AUTH_AUDIENCE', 'ALLOWED_HOSTS', 'ALLOWED_ORIGINS']) {
      expect(environment[name]).toMatch(new RegExp(`^\\$\\{${name}:?-`))
    }
    expect(infra('compose.yaml')).toContain('> infra/.env')
  })

  test('has no secret', () => {
    expect(compose['x-instance'].environment.MCP_SECRET).toMatch(/^\$\{MCP_SECRET:\?/)
  })
})

test('no file configures sticky sessions', () => {
  for (const name of ['nginx.conf', 'compose.yaml']) {
    const settings = infra(name).replace(/#.*/g, '')
    expect(settings).not.toMatch(/sticky|ip_hash|hash \$|affinity/i)
  }
})
